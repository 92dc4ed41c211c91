"""`python -m worker bench --clamps`: how fast training is under clamps, against none.

Every program trains the paper's model in turn, some updates at a time, so that a busy moment of the
machine meets them all; the figure of a program is the median over rounds of its share of the
unclamped throughput in the same round.
"""

import statistics
import time
from collections.abc import Mapping
from typing import Any

from app.schemas.clamps.kinds import (
    Ablate,
    ForbidPreviousToken,
    MatchPattern,
    MeanAblate,
    Preserve,
    Program,
    Resample,
    Temperature,
)
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from app.schemas.presets import OTHERS, PRESETS
from worker.offline import say
from worker.science.data.datasets import load_dataset
from worker.science.training.loop import Trainer

ROUNDS, UPDATES = 20, 150
ONE_PASS, TWO_PASSES = 0.90, 0.45  # of the unclamped throughput: what is asked for
UNCLAMPED = "unclamped"

_LAYER_1_SILENT = Ablate(site=Site.parse("L0.v"))
PROGRAMS: Mapping[str, tuple[Program, float]] = {
    **{one.id: (one.config.program, ONE_PASS) for one in PRESETS},
    "match-pattern": ((MatchPattern(site=Site.parse("L1H3.pattern[query]")), OTHERS), ONE_PASS),
    "temperature": ((Temperature(site=Site.parse("L1H3.score")),), ONE_PASS),
    "forbid-previous-token": ((ForbidPreviousToken(site=Site.parse("L0.score")),), ONE_PASS),
    "windowed": ((OTHERS.model_copy(update={"from_sequences": 1}),), ONE_PASS),
    "preserve-patterns": (
        (Preserve(site=Site.parse("L*.pattern")), Ablate(site=Site.parse("L0H2.v"))),
        TWO_PASSES,
    ),
    "preserve-patterns-and-values": (
        (
            Preserve(site=Site.parse("L1.pattern")),
            Preserve(site=Site.parse("L1.v")),
            _LAYER_1_SILENT,
        ),
        TWO_PASSES,
    ),
    "mean-ablation": ((MeanAblate(site=Site.parse("L1H3.z")),), TWO_PASSES),
    "resampling": ((Resample(site=Site.parse("L0H2.z")),), TWO_PASSES),
}


def bench_clamps() -> dict[str, Any]:
    """Measures every program; prints a line for each."""
    trainers = {name: _trainer(name, program) for name, (program, _) in PROGRAMS.items()}
    rounds = [{name: _speed(one) for name, one in trainers.items()} for _ in range(ROUNDS)]
    figures = {}
    for name, (_, asked) in PROGRAMS.items():
        shares = [one[name] / one[UNCLAMPED] for one in rounds]
        figures[name] = {
            "sequences_per_second": round(statistics.median(one[name] for one in rounds)),
            "share_of_unclamped": round(statistics.median(shares), 3),
            "asked": asked,
        }
        say(_line(name, figures[name]))
    return figures


def _line(name: str, figure: Mapping[str, float]) -> str:
    speed, share = figure["sequences_per_second"], figure["share_of_unclamped"]
    return f"{name:>32}  {speed:>7,} sequences/s  {share:6.1%}  (asked: {figure['asked']:.0%})"


def _trainer(name: str, program: Program) -> Trainer:
    config = RunConfig(program=program)
    trainer = Trainer([config], [load_dataset(config.task, config.seeds.dataset)])
    begun = time.perf_counter()
    trainer.warm_up()
    how = f"compiled in {time.perf_counter() - begun:.0f} s"
    say(f"{name:>32}  {' '.join(trainer.notices) or how}")
    return trainer


def _speed(trainer: Trainer) -> float:
    """Sequences per second over some updates."""
    begun = time.perf_counter()
    trainer.train(UPDATES)
    seconds = time.perf_counter() - begun
    return UPDATES * trainer.configs[0].training.batch_size / seconds
