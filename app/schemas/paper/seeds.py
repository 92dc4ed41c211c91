"""Figures of several seeds: layer 1 of another run (Fig. 7), heads over five seeds (Fig. 18)."""

from pydantic import JsonValue

from app.schemas.paper import curves, tables
from app.schemas.paper.figure import (
    FigureAnalysis,
    GraftedRun,
    PaperFigure,
    PaperLine,
    PaperNeeds,
    PaperPanel,
)
from app.schemas.paper.rules import InOrder, PublishedClaim
from app.schemas.studies.presets import HEADS, only, paper_run, single_head_runs
from app.schemas.studies.request import StudyRequest, StudyRun

FIRST = 5  # the published seed
DONORS, OTHERS = (5, 6, 7), (6, 7, 8, 9)
_GRAFT_SITE = "L0.resid"


def main_name(seed: int) -> str:
    """What the unclamped run of a seed is called in figures."""
    return "Unclamped" if seed == FIRST else f"Unclamped, seed {seed}"


def alone_name(seed: int, head: int) -> str:
    """What the run of one head of layer 2 is called."""
    name = f"Only layer 2, head {head}"
    return name if seed == FIRST else f"{name}, seed {seed}"


def time_label(seed: int, head: int) -> str:
    """What the curve of that run is called."""
    return f"seed {seed}, head {head} alone"


def _seeded(seed: int, name: str, *program: JsonValue) -> StudyRun:
    """A run of Fig. 4b from other initial weights; the published ones save both ends only."""
    run = paper_run(f"{name}, seed {seed}", 1_000_000, *program, every=5000)
    return run.model_copy(update={"changes": {**run.changes, "seeds": {"initial": seed}}})


def _graft_line(label: str) -> PaperLine:
    run = "Unclamped" if label == "unclamped" else label[:1].upper() + label[1:]
    published = curves.crossed("½ ln 2", curves.GRAFTS[label])
    return PaperLine(label, run, published=published)


def _grafted(seed: int) -> GraftedRun:
    run = paper_run(f"layer 1 of seed {seed}", 800_000)
    return GraftedRun(run, main_name(seed), _GRAFT_SITE)


def graft_figure() -> PaperFigure:
    """Fig. 7."""
    runs = [single_head_runs()[0], *(_seeded(seed, "unclamped") for seed in DONORS[1:])]
    own, *others = (f"layer 1 of seed {seed}" for seed in DONORS)
    return PaperFigure(
        id="fig-7",
        name="Fig. 7",
        title="Layer 1 of another run",
        asks="Does a layer 1 that was trained with another layer 2 help a new one to learn?",
        needs=PaperNeeds.TRAINING,
        how="Runs of three seeds are trained; what follows takes their layer 1, frozen, by clamps "
        "of the kind graft_in, and waits for them.",
        request=StudyRequest(name="Paper, Fig. 7", tags=["paper"], runs=runs),
        grafted=[_grafted(seed) for seed in DONORS],
        panels=[PaperPanel([_graft_line(label) for label in curves.GRAFTS], 600_000)],
        tables=[tables.GRAFTED],
        error=curves.ERROR,
        expected="Its own layer 1 makes the phase change nearly immediate; that of another seed "
        "takes the plateau away and is slower afterwards.",
        claims=[
            PublishedClaim("Its own layer 1 is the quickest.", InOrder((own, "unclamped"))),
            *(
                PublishedClaim(f"It helps less: {label}.", InOrder((own, label)))
                for label in others
            ),
            *(
                PublishedClaim(
                    f"Half ln 2 comes sooner with {label}.", InOrder((label, "unclamped"))
                )
                for label in others
            ),
        ],
    )


def _time_lines() -> list[PaperLine]:
    """When each head learns alone; published times are in thousands of sequences."""
    times = {int(str(row[0])): row[1:] for row in tables.SEED_TIMES.rows}
    return [
        PaperLine(
            time_label(seed, head),
            alone_name(seed, head),
            published=curves.crossed("0.4 ln 2", float(times[seed][head] or 0)),
        )
        for seed in (FIRST, *OTHERS)
        for head in HEADS
    ]


def seeds_figure() -> PaperFigure:
    """Fig. 18."""
    runs = single_head_runs()
    for seed in OTHERS:
        runs.append(_seeded(seed, "unclamped"))
        runs += [_seeded(seed, f"only layer 2, head {head}", only(head)) for head in HEADS]
    return PaperFigure(
        id="fig-18",
        name="Fig. 18",
        title="Strength, loss and learning time over seeds",
        asks="Over five seeds, does a head's strength in the whole model tell how well it does "
        "alone, and how soon it learns alone?",
        needs=PaperNeeds.ANALYSES,
        how="Made from the runs of Fig. 4b for five seeds, and the analysis “heads removed and "
        "kept” of each unclamped run.",
        request=StudyRequest(name="Paper, Fig. 18", tags=["paper"], runs=runs),
        analyses=[FigureAnalysis(main_name(seed), "every-head") for seed in (FIRST, *OTHERS)],
        more_lines=_time_lines(),
        error=curves.ERROR,
        expected="Signs and orders; which head does what depends on the initial weights.",
        is_large=True,
    )
