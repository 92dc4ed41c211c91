"""Every run of the paper, as runs of one study: 32 main ones, 31 of the appendix, 36 of Fig. 18."""

from collections.abc import Sequence
from typing import Any

from app.schemas.studies.presets import STRENGTHS, main_runs, only, single_head_runs

OTHERS = only(3)
INDUCTION = {"kind": "set_pattern", "target": "induction", "site": "L1H3.pattern[query]"}


def every_run(donors: Sequence[str]) -> list[dict[str, Any]]:
    """`donors`: checkpoints of the main runs with seeds 5, 6 and 7, which three runs graft."""
    main = [run.model_dump(mode="json") for run in main_runs()]
    return [*main, *_appendix(donors), *_fig_18()]


def _appendix(donors: Sequence[str]) -> list[dict[str, Any]]:
    """The second script of the published code."""
    main = single_head_runs()[0].model_dump(mode="json")
    grafts = [{"kind": "graft_in", "site": "L0.resid", "checkpoint": one} for one in donors]
    backs = [f"L0H{heads}.pattern" for heads in ("6", "1,2,5", "0,1,2,3,4,5,6,7")]
    previous = {"kind": "set_pattern", "target": "previous_token"}
    return [
        *(_seeded(main, seed) for seed in (6, 7)),
        *(_run(f"graft {n}", 800_000, 1000, [graft]) for n, graft in enumerate(grafts)),
        *(_run(site, 800_000, 5000, [previous | {"site": site}, OTHERS]) for site in backs),
        *(_run(f"strength {s}", 600_000, 5000, [INDUCTION | {"strength": s}]) for s in STRENGTHS),
        *(_run(f"3 and {h}", 1_000_000, 5000, [only(3, h)]) for h in (0, 1, 2, 4, 5, 6, 7)),
    ]


def _fig_18() -> list[dict[str, Any]]:
    """All heads, and each head alone, from four more initial weights."""
    runs = [run.model_dump(mode="json") for run in single_head_runs()]
    return [_seeded(run, seed) for seed in (6, 7, 8, 9) for run in runs]


def _seeded(run: dict[str, Any], seed: int) -> dict[str, Any]:
    changes = {**run["changes"], "seeds": {"initial": seed}}
    return {"name": f"{run['name']}, seed {seed}", "changes": changes}


def _run(name: str, sequences: int, every: int, program: list[Any]) -> dict[str, Any]:
    recording = {"evaluate_every": every, "frame_every": 5000, "checkpoint_every": sequences}
    training = {"sequences": sequences}
    return {
        "name": name,
        "changes": {"training": training, "recording": recording, "program": program},
    }
