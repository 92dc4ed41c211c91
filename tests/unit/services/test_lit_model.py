"""What the head grid and the circuit show of a program, over the whole catalogue."""

import pytest

from app.schemas.clamps.base import BaseClamp, Light, Step
from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.clamps.kinds import (
    KINDS,
    Ablate,
    GraftIn,
    InductionPattern,
    Preserve,
    PreviousTokenPattern,
)
from app.schemas.clamps.site import LAYERLESS_POINTS, Point, Site
from app.schemas.config import ModelConfig
from app.schemas.presets import PRESETS
from app.services.clamps.circuit import State, circuit
from app.services.clamps.lit_model import lit_model
from app.services.clamps.text import read_program

MODEL = ModelConfig()
HEADS_SILENCED = '[{"kind": "ablate", "site": "L%d.v"}]'


def usual(kind: type[BaseClamp]) -> BaseClamp:
    """A clamp of a kind at its usual site."""
    needed = {"checkpoint": "abc@5000"} if "checkpoint" in kind.model_fields else {}
    return kind.model_validate({"site": kind.usual, **needed})


def states(program: str, model: ModelConfig = MODEL) -> dict[str, str]:
    drawn = circuit(read_program(program).readable, model)
    return {number: step.state.name.lower() for number, step in drawn.steps.items()}


def test_every_head_shows_its_light_with_a_word_and_its_amount():
    program = (
        PreviousTokenPattern(site=Site.parse("L0H2.pattern")),
        InductionPattern(site=Site.parse("L1H3.pattern[query]"), strength=0.5),
        Ablate(site=Site.parse("L1H0,1.v")),
    )

    last, first = lit_model(program, MODEL).layers

    assert [head.tone for head in last.heads[:4]] == ["silenced", "silenced", "none", "driven"]
    assert (last.heads[3].word, last.heads[3].name) == ("induction 0.5", "Layer 2, head 3")
    assert [head.word for head in first.heads[1:4]] == ["", "previous", ""]
    assert last.heads[2].said == "learns"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_lights_the_part_of_the_model_that_it_is_on(kind):
    clamp = usual(kind)

    model = lit_model([clamp], MODEL)

    parts = [model, *model.layers, *(head for layer in model.layers for head in layer.heads)]
    lit = [part for part in parts if part.clamps]
    assert lit
    for part in lit:
        assert part.tone == kind.light
        assert part.word.startswith(kind.badge or kind.title.lower())


def test_lights_without_a_head_are_on_their_layer_or_on_the_model():
    program = [
        GraftIn(site=Site.parse("L0.resid"), checkpoint="abc@5"),
        Ablate(site=Site.parse("embed")),
    ]

    model = lit_model(program, MODEL)

    assert [layer.tone for layer in model.layers] == ["none", "preserved"]
    assert model.tone == "silenced"
    assert not any(head.clamps for layer in model.layers for head in layer.heads)


def test_of_several_lights_on_a_head_the_one_meant_for_it_comes_first():
    program = [Preserve(site=Site.parse("L*.pattern")), Ablate(site=Site.parse("L0H4.v"))]

    head = lit_model(program, MODEL).layers[1].heads[4]

    assert (head.tone, head.others, head.word) == ("silenced", ["preserved"], "silenced +1")
    assert head.said == "silenced and preserved"


def test_a_light_that_is_switched_says_when_it_is_on():
    windowed = Ablate.model_validate(
        {"site": "L1H0.v", "from_sequences": 100_000, "until_sequences": 200_000}
    )

    head = lit_model([windowed], MODEL).layers[0].heads[0]

    assert head.is_windowed
    assert head.said == "silenced from 100,000 to 200,000 sequences"


FIGURE_5B = {
    "unclamped": {},
    "one-head": {},
    "previous-token": {"1": "fixed"},
    "layer-1": {"1": "fixed", "2": "fixed"},
    "match": {"1": "spared", "2": "spared", "3q": "spared", "3k": "spared", "4": "fixed"},
    "copy": {"3v": "fixed", "5": "fixed"},
    "layer-1-and-copy": {"1": "fixed", "2": "fixed", "3v": "fixed", "5": "fixed"},
}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_a_preset_lights_its_steps_as_figure_5b_names_them(preset):
    drawn = circuit(preset.config.program, preset.config.model)

    shown = {number: step.state.name.lower() for number, step in drawn.steps.items()}
    assert shown == dict.fromkeys((step.value for step in Step), "learned") | FIGURE_5B[preset.id]
    steps = preset.figure.rpartition("step")[2].strip("s ")
    given = {"3q", "3k"} if "3qk" in steps else set()
    if "step" in preset.figure:
        assert set(FIGURE_5B[preset.id]) == {s for s in steps.split(", ") if s != "3qk"} | given


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_can_be_drawn_and_has_words_for_every_step(kind):
    drawn = circuit([usual(kind)], MODEL)

    assert list(drawn.steps) == ["1", "2", "3q", "3k", "3v", "4", "5"]
    for step in drawn.steps.values():
        assert step.text
        assert step.word
    assert drawn.summary.endswith(".")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (HEADS_SILENCED % 0, {"1": "silenced", "2": "silenced"}),
        (HEADS_SILENCED % 1, dict.fromkeys(("3q", "3k", "3v", "4", "5"), "silenced")),
        ('[{"kind": "ablate", "site": "L1.q"}]', {"3q": "silenced", "4": "silenced"}),
        ('[{"kind": "ablate", "site": "L1H0.v"}]', {}),
        ('[{"kind": "ablate", "site": "embed"}]', dict.fromkeys(Step, "silenced")),
        ('[{"kind": "forbid", "target": "previous_token", "site": "L0.score"}]', {"1": "silenced"}),
        ('[{"kind": "forbid", "target": "previous_token", "site": "L0.score[exemplars]"}]', {}),
        ('[{"kind": "preserve", "site": "L*.pattern"}]', {"1": "fixed", "4": "fixed"}),
        ('[{"kind": "temperature", "site": "L1.score", "temperature": 2}]', {}),
        (
            '[{"kind": "set_pattern", "target": "induction", "site": "L1H0.pattern[query]"}]',
            {"4": "fixed"},  # the other heads may still learn the rest
        ),
        (
            '[{"kind": "graft_out", "site": "L0.resid", "checkpoint": "a@5"}]',
            dict.fromkeys(("3q", "3k", "3v", "4", "5"), "fixed"),
        ),
    ],
)
def test_the_circuit_shows_what_a_program_fixes_and_what_it_takes_away(program, expected):
    assert states(program) == dict.fromkeys((step.value for step in Step), "learned") | expected


def test_a_model_of_one_layer_has_no_place_for_the_first_steps():
    shown = states("[]", ModelConfig(layers=1))

    assert [number for number, state in shown.items() if state == "absent"] == ["1", "2"]


def test_a_step_shows_the_colour_and_the_window_of_its_light():
    preserved = circuit([Preserve(site=Site.parse("L0.pattern"))], MODEL).steps["1"]
    for_a_while = circuit(
        [InductionPattern.model_validate({"site": "L1.pattern[query]", "until_sequences": 5})],
        MODEL,
    ).steps["4"]

    assert (preserved.tone, preserved.word) == (Light.PRESERVED, "preserved")
    assert (for_a_while.state, for_a_while.word) == (State.FIXED, "fixed until 5 sequences")


def test_every_point_is_a_step_of_the_circuit_below_the_last_layer_and_in_it():
    for point in Ablate.sites.points:
        sites = [point] if point in LAYERLESS_POINTS else [f"L0.{point}", f"L1.{point}"]
        for site in sites:
            drawn = circuit([Ablate.model_validate({"site": site})], MODEL)
            assert any(step.state is State.SILENCED for step in drawn.steps.values()), site
    assert set(Point) - Ablate.sites.points == {Point.LOGITS}


def test_the_catalogue_has_a_short_word_for_every_kind():
    assert all(0 < len(entry.badge) <= 12 for entry in CATALOGUE)
