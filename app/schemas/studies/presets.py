"""Named studies to start from: figures of the paper (Singh et al. 2024, arXiv 2404.07129)."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, JsonValue

from app.schemas.config import RecordingConfig, RunConfig, TrainingConfig
from app.schemas.presets import COPY, KEPT, LAYER_1, OTHERS, PRESETS
from app.schemas.studies.request import PROGRAM, StudyAxis, StudyRequest, StudyRun

HEADS = range(8)
STRENGTHS = (1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.3, 0.2, 0.1, 0)
INDUCTION: JsonValue = {
    "kind": "set_pattern",
    "target": "induction",
    "site": f"L1H{KEPT}.pattern[query]",
}
PREVIOUS: JsonValue = {"kind": "set_pattern", "target": "previous_token", "site": "L0H2.pattern"}
_COPY, _LAYER_1, REST = (clamp.model_dump(mode="json") for clamp in (COPY, LAYER_1, OTHERS))


class StudyPreset(BaseModel):
    """A study to start from."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    figure: str  # where in the paper
    summary: str  # what to look for
    request: StudyRequest


def only(*kept: int) -> JsonValue:
    """The clamp that leaves these heads of layer 2 alone."""
    others = ",".join(str(head) for head in HEADS if head not in kept)
    return {"kind": "ablate", "site": f"L1H{others}.v"}


def paper_run(
    name: str,
    sequences: int,
    *program: JsonValue,
    every: int = 1000,
    saved_every: int | None = None,
    **task: int,
) -> StudyRun:
    """A run of the published scripts. Without `saved_every`, weights are saved at both ends."""
    recording: JsonValue = {
        "evaluate_every": every,
        "frame_every": 5000,
        "checkpoint_every": saved_every or sequences,
    }
    changes: dict[str, JsonValue] = {
        "training": {"sequences": sequences},
        "recording": recording,
        PROGRAM: list(program),
    }
    if task:
        changes["task"] = dict(task)
    return StudyRun(name=name, changes=changes)


def single_head_runs() -> list[StudyRun]:
    """Fig. 4b: the main run, and one run for every head of layer 2 alone.

    The published main run saves weights every 1,000 sequences; here they are saved where it is
    evaluated, every 5,000.
    """
    main = paper_run("unclamped", 1_000_000, every=5000, saved_every=5000)
    alone = [
        paper_run(f"only layer 2, head {head}", 1_000_000, only(head), every=5000) for head in HEADS
    ]
    return [main, *alone]


def step_runs() -> list[StudyRun]:
    """Fig. 5b: the steps of the circuit, clamped."""
    long = 600_000
    return [
        paper_run("one head", long, REST, saved_every=1000),
        paper_run("previous-token head fixed", long, PREVIOUS, REST),
        paper_run("layer 1 perfect", long, _LAYER_1, REST),
        paper_run("match fixed", long, INDUCTION, REST),
        paper_run("copy perfect", long, _COPY),
        paper_run("layer 1 and copy", long, _LAYER_1, _COPY),
    ]


def data_runs() -> list[StudyRun]:
    """Fig. 6: more classes, more labels."""
    larger = ((100, 5), (200, 5), (50, 10), (50, 15))
    clamped: dict[str, Sequence[JsonValue]] = {
        "layer 1 and copy": (_LAYER_1, _COPY),
        "match fixed": (INDUCTION, REST),
        "layer 1 perfect": (_LAYER_1, REST),
    }
    normal = [
        paper_run(
            f"one head, {classes} classes, {labels} labels",
            2_000_000,
            REST,
            every=5000,
            classes=classes,
            labels=labels,
        )
        for classes, labels in ((50, 5), *larger)
    ]
    return normal + [
        paper_run(
            f"{name}, {classes} classes, {labels} labels",
            300_000,
            *program,
            classes=classes,
            labels=labels,
        )
        for name, program in clamped.items()
        for classes, labels in larger
    ]


def main_runs() -> list[StudyRun]:
    """The 32 runs of the paper's main part."""
    return [*single_head_runs(), *step_runs(), *data_runs()]


def _base(sequences: int, *, every: int, saved_every: int = 5000) -> RunConfig:
    return RunConfig(
        training=TrainingConfig(sequences=sequences),
        recording=RecordingConfig(
            evaluate_every=every, frame_every=5000, checkpoint_every=saved_every
        ),
    )


def _strengths() -> StudyRequest:
    base = _base(600_000, every=5000).model_dump(mode="json") | {PROGRAM: [INDUCTION]}
    axis = StudyAxis(field=f"{PROGRAM}.0.strength", values=[*STRENGTHS])
    return StudyRequest(name="Strengths", base=RunConfig.model_validate(base), axes=[axis])


def _steps() -> StudyRequest:
    clamped: list[JsonValue] = [{"preset": preset.id} for preset in PRESETS[1:]]
    return StudyRequest(
        name="Six clamps",
        base=_base(600_000, every=1000),
        axes=[StudyAxis(field=PROGRAM, values=clamped)],
    )


def _heads_alone() -> StudyRequest:
    labels = [f"only head {head}" for head in HEADS]
    axis = StudyAxis(
        field=PROGRAM,
        values=[[], *([only(head)] for head in HEADS)],
        labels=["all heads", *labels],
    )
    return StudyRequest(name="Each head alone", axes=[axis])


STUDY_PRESETS: tuple[StudyPreset, ...] = (
    StudyPreset(
        id="six-clamps",
        name="Six clamps",
        figure="Fig. 5b",
        summary="Steps of the circuit are fixed: the more of them, the sooner the loss falls.",
        request=_steps(),
    ),
    StudyPreset(
        id="five-seeds",
        name="Five seeds, unclamped",
        figure="Fig. 18: main runs",
        summary="The same experiment from five initial weights: the phase change moves.",
        request=StudyRequest(
            name="Five seeds, unclamped",
            axes=[StudyAxis(field="seeds.initial", values=[5, 6, 7, 8, 9])],
        ),
    ),
    StudyPreset(
        id="each-head",
        name="Each head alone",
        figure="Fig. 4b",
        summary="Every head of layer 2 can learn the task alone, but all together are fastest.",
        request=_heads_alone(),
    ),
    StudyPreset(
        id="strengths",
        name="Strengths",
        figure="Fig. 15",
        summary="A head with a fixed induction strength: what it gives away on new label pairs.",
        request=_strengths(),
    ),
    StudyPreset(
        id="paper",
        name="The paper's 32 runs",
        figure="Fig. 3 to 6",
        summary="Every run of the main part: single heads, clamped steps, more classes and labels.",
        request=StudyRequest(name="The paper's 32 runs", runs=main_runs()),
    ),
)
