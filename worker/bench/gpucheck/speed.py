"""How fast cohorts of one program train on a device, stacked as they are in trainers."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from app.schemas.cohorts import cohort_key
from app.schemas.config import RunConfig
from app.schemas.studies.expansion import expand
from app.schemas.studies.presets import main_runs
from app.schemas.studies.request import StudyRequest
from worker.bench.configs import seeds_of_the_main_run, shortened
from worker.science.data.datasets import Dataset, load_dataset
from worker.science.machine.devices import settle
from worker.science.training.cohort import Cohort

EVERY = 5000  # sequences between reports, as in the paper's main runs
LENGTH = 1_000_000  # sequences of such a run
REPORTS = 3  # after the first, of a cohort that is timed with records
LEAST_SECONDS = 2.0  # of a measurement without


def time_cohort(size: int, device: torch.device, *, compile: bool) -> dict[str, Any]:
    """Updates and sequences per second of so many runs of the paper's main config, and memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    cohort = _cohort(seeds_of_the_main_run(size, LENGTH, EVERY), device, compile=compile)
    begun = time.perf_counter()
    cohort.warm_up()
    settle(device)
    warm = time.perf_counter() - begun
    update = _update_seconds(cohort, device)
    recorded = _recorded_seconds(size, device, compile=compile)
    batch = RunConfig().training.batch_size
    return {
        "runs": size,
        "start_seconds": round(warm, 2),
        "update_microseconds": round(1e6 * update, 1),
        "training_sequences_per_second": round(size * batch / update),
        "sequences_per_second": round(size * batch / recorded),
        "recording_share": round(1 - update / recorded, 3),
        "peak_megabytes": _peak(device),
    }


def time_paper(
    fraction: float, device: torch.device, *, compile: bool, until: float
) -> dict[str, Any]:
    """A fraction of the paper's 32 main runs, cohort after cohort, as one trainer would take them.

    Stops at `until` on the monotonic clock, and says how many runs it came to.
    """
    groups: dict[str, list[RunConfig]] = {}
    for run in expand(StudyRequest(name="paper", runs=main_runs())).runs:
        groups.setdefault(cohort_key(run.config), []).append(run.config)
    total = warm = trained = 0.0
    runs = 0
    for configs in groups.values():
        if time.monotonic() > until:
            break
        started, seconds = _time_group(configs, fraction, device, compile=compile)
        warm, trained, runs = warm + started, trained + seconds, runs + len(configs)
        total += sum(one.training.total_sequences for one in configs)
    return {
        "runs": runs,
        "of": sum(map(len, groups.values())),
        "programs": len(groups),
        "fraction": fraction,
        "start_seconds": round(warm, 1),
        "training_seconds": round(trained, 1),
        "projected_seconds": round(warm + trained / fraction, 1),
        "sequences": round(total),
    }


def _time_group(
    configs: Sequence[RunConfig], fraction: float, device: torch.device, *, compile: bool
) -> tuple[float, float]:
    cohort = _cohort([shortened(one, fraction) for one in configs], device, compile=compile)
    begun = time.perf_counter()
    cohort.warm_up()
    settle(device)
    warm = time.perf_counter() - begun
    for _ in cohort.reports():
        pass
    settle(device)
    return warm, time.perf_counter() - begun - warm


def _cohort(configs: Sequence[RunConfig], device: torch.device, *, compile: bool) -> Cohort:
    known: dict[str, Dataset] = {}
    data = [
        known.setdefault(
            f"{one.task.model_dump_json()} {one.seeds.dataset}",
            load_dataset(one.task, one.seeds.dataset),
        )
        for one in configs
    ]
    return Cohort(configs, data, compile=compile, device=device)


def _update_seconds(cohort: Cohort, device: torch.device) -> float:
    """Of one update of all runs, without records."""
    updates, seconds = 32, 0.0
    while seconds < LEAST_SECONDS:
        updates *= 2
        settle(device)
        begun = time.perf_counter()
        for trainer in cohort.trainers:
            trainer.train(updates)
        settle(device)
        seconds = time.perf_counter() - begun
    return seconds / updates


def _recorded_seconds(size: int, device: torch.device, *, compile: bool) -> float:
    """Of one update of all runs, at the paper's cadence."""
    cohort = _cohort(seeds_of_the_main_run(size, REPORTS * EVERY, EVERY), device, compile=compile)
    cohort.warm_up()
    settle(device)
    begun = time.perf_counter()
    for _ in cohort.reports():
        pass
    settle(device)
    return (time.perf_counter() - begun) / cohort.trainers[0].configs[0].training.updates


def _peak(device: torch.device) -> int | None:
    """MB that tensors took at most; None where nobody counts."""
    if device.type != "cuda":
        return None
    return round(torch.cuda.max_memory_allocated(device) / 1e6)
