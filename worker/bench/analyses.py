"""`python -m worker bench --analyses`: how long the paper's analyses of a model take.

Of the paper's model and task, all 78,400 sequences, with untrained weights: how long it takes does
not depend on what they are.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

import torch

from app.schemas.clamps.kinds import Ablate, Preserve, Program
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from worker.offline import say
from worker.science.analysis.evaluation import Manner, Subject, measured
from worker.science.clamps.program import compile_program
from worker.science.data.datasets import load_dataset
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool
from worker.science.parameters import initial_parameters
from worker.science.training.loop import cohort_shape

CHECKPOINTS = 100
HEADS = range(8)


def bench_analyses() -> dict[str, Any]:
    """Measures every analysis; prints a line for each."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    plain = Manner(whole=False, threads=threads)
    compiled = Manner(whole=False, threads=threads, compile=True)
    one, many = _subject(1), _subject(CHECKPOINTS)
    return {
        "exhaustive": _timed("exhaustive evaluation", one, [()], plain, 1),
        "fig_4a": _timed("Fig. 4a, 16 ablations", one, _ablations(), plain, 5),
        "fig_11": _timed("Fig. 11, 264 cells", one, _wiring(), compiled, 60),
        "fig_3b": _timed("Fig. 3b, 100 checkpoints", many, [()], compiled, 60),
    }


def _timed(
    name: str, subject: Subject, programs: Sequence[Program], manner: Manner, asked: float
) -> dict[str, float]:
    data = [compile_program(RunConfig().model_copy(update={"program": p})) for p in programs]
    began, used = time.perf_counter(), time.process_time()
    for _ in measured(subject, data, manner):
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    how = "compiled, compiling included" if manner.compile else "not compiled"
    say(
        f"{name:>26}  {seconds:6.2f} s, {cpu:6.2f} s of CPU time on {manner.threads} threads "
        f"(asked: {asked:g} s; {how})"
    )
    return {"seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3), "asked": asked}


def _subject(models: int) -> Subject:
    config = RunConfig()
    dataset, pool = load_dataset(config.task, config.seeds.dataset), training_pool(config)
    shape = cohort_shape(config, dataset)
    flat = [shape.flatten(initial_parameters(shape, seed)) for seed in range(models)]
    return Subject.of(shape, torch.stack(flat), dataset, pool, sequences_of(config, pool))


def _ablations() -> list[Program]:
    return [program for head in HEADS for program in ((_ablated(1, head),), (_only(1, head),))]


def _wiring() -> list[Program]:
    preserved = (Site.parse("L1.pattern"), Site.parse("L1.v"))
    cells = [
        (_only(1, second), edit(0, first), Preserve(site=site))
        for second in HEADS
        for site in preserved
        for first in HEADS
        for edit in (_ablated, _only)
    ]
    return [*((_only(1, head),) for head in HEADS), *cells]


def _ablated(layer: int, *heads: int) -> Ablate:
    return Ablate(site=Site.parse(f"L{layer}H{','.join(map(str, heads))}.v"))


def _only(layer: int, head: int) -> Ablate:
    return _ablated(layer, *(other for other in HEADS if other != head))
