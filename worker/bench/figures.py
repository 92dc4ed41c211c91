"""What laps come to: speeds, ratios to the baseline, and where the time of the trainers goes."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.schemas.config import RunConfig
from worker.bench.track import Lap, Pace
from worker.bench.turns import Turns, median_cpu, median_speed
from worker.science.machine.flops import flops_per_update
from worker.science.parameters import Shape

FEATURES = 512  # of glyphs
PARTS = {True: "end_to_end", False: "training"}  # of what is recorded, and of what is not

PRODUCTS, RECORDING = "matrix products", "evaluation and recording"
WAITING, REST = "waiting for a core", "other kernels and calls"


@dataclass(frozen=True)
class Peak:
    """What the machine could do: GFLOP/s of one worker's device, and how many workers there are."""

    gflops: float
    workers: int
    has_cores: bool  # or graphics processors, whose time no process tells

    def used(self, runs: int) -> int:
        """Workers that so many runs keep busy."""
        return min(runs, self.workers)


def figures(laps: Mapping[bool, Sequence[Lap]], size: int, each: int, peak: Peak) -> dict[str, Any]:
    """Of one size: medians over its rounds."""
    recorded, bare = laps[True], laps[False]
    speed, training = median_speed(recorded), median_speed(bare)
    gflops = work_of_a_sequence() * training / 1e9
    busy, busy_bare = median_cpu(recorded), median_cpu(bare)
    at_peak = work_of_a_sequence() / (1e9 * peak.gflops)  # seconds of one core
    return {
        "rounds": len(bare),
        "sequences_per_run": each,
        "sequences_per_second": round(speed),
        "training_sequences_per_second": round(training),
        "updates_per_second": round(training / RunConfig().training.batch_size),
        "evaluation_and_recording_share": round(1 - speed / training, 3),
        "gflops": round(gflops, 1),
        "share_of_matmul_peak": round(gflops / (peak.gflops * peak.used(size)), 3),
        "share_of_matmul_peak_by_cpu_time": _share(at_peak, busy_bare),
        "evaluation_and_recording_share_by_cpu_time": _share(busy - busy_bare, busy),
        **costs(recorded),
        "shares_of_time": shares_of_time(laps, size, peak),
        "start_seconds_warm": round(statistics.median(lap.start_seconds for lap in recorded), 1),
        "peak_megabytes_per_trainer": round(max(lap.peak_bytes for lap in recorded) / 1e6),
    }


def _share(part: float, whole: float) -> float | None:
    """None where nothing tells of CPU time."""
    return round(part / whole, 3) if whole else None


def costs(paces: Sequence[Pace]) -> dict[str, float]:
    """Of a million sequences, everything recorded."""
    return {
        "seconds_per_million": round(1e6 / median_speed(paces), 1),
        "cpu_seconds_per_million": round(1e6 * median_cpu(paces), 1),
    }


def shares_of_time(laps: Mapping[bool, Sequence[Lap]], size: int, peak: Peak) -> dict[str, float]:
    """Where the time of the workers goes, everything recorded; the largest is what bounds it.

    Products: how long they would take at the machine's peak. Waiting: time without a core, that
    other programs had, and of a worker that is done before the other. Recording: what is left of
    the CPU time when nothing is recorded. Of graphics processors by the clock alone.
    """
    workers = peak.used(size)
    time_ = workers / median_speed(laps[True])
    has_cpu = peak.has_cores and all(lap.cpu_seconds for half in laps.values() for lap in half)
    busy, bare = (
        median_cpu(laps[part]) if has_cpu else workers / median_speed(laps[part])
        for part in (True, False)
    )
    products = work_of_a_sequence() / (1e9 * peak.gflops)
    shares = {
        PRODUCTS: products / time_,
        RECORDING: max(0.0, busy - bare) / time_,
        WAITING: max(0.0, 1 - busy / time_),
    }
    shares[REST] = max(0.0, 1 - sum(shares.values()))
    return {name: round(share, 3) for name, share in shares.items()}


def ratios(turns: Turns) -> dict[str, dict[str, dict[str, Any]]]:
    """Against the baseline, by size and part: of medians, least and most of the rounds, and of CPU
    time. Empty without a baseline."""
    found: dict[str, dict[str, dict[str, Any]]] = {
        "times_baseline": {},
        "times_baseline_spread": {},
        "times_baseline_by_cpu_time": {},
    }
    for size, laps in turns.sizes.items():
        for recorded, part in PARTS.items():
            if theirs := turns.baseline[recorded]:
                for name, value in _ratio(laps[recorded], theirs).items():
                    found[name].setdefault(str(size), {})[part] = value
    return found


def _ratio(ours: Sequence[Pace], theirs: Sequence[Pace]) -> dict[str, Any]:
    rounds = [one.speed / other.speed for one, other in zip(ours, theirs, strict=True)]
    used = median_cpu(ours)
    return {
        "times_baseline": round(median_speed(ours) / median_speed(theirs), 2),
        "times_baseline_spread": [round(min(rounds), 2), round(max(rounds), 2)],
        "times_baseline_by_cpu_time": round(median_cpu(theirs) / used, 2) if used else None,
    }


def work_of_a_sequence() -> float:
    """Floating-point operations of its matrix products, in the paper's model and task."""
    config = RunConfig()
    shape = Shape(config.model, FEATURES, config.task.labels, config.task.context_pairs)
    update = flops_per_update(config, shape, config.task.classes * config.task.exemplars)
    return update / config.training.batch_size
