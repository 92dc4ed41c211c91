"""Cohorts of the paper's main run, the whole way, in turns with the baseline where there is one.

At the paper's cadence four evaluators of 1,000 sequences, strengths, frames and checkpoints are
computed and recorded every 5,000 sequences; training alone has a report at its begin and its end.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worker.bench.baseline_process import MISSING, BaselineProcess, is_installed
from worker.bench.configs import seeds_of_the_main_run
from worker.bench.figures import Peak, costs, figures, ratios
from worker.bench.limits import matmul_peak
from worker.bench.table import round_line, size_lines
from worker.bench.track import Track, places_to_train, track
from worker.bench.turns import Lengths, Turns, every_of, median_speed, take_turns
from worker.offline import say
from worker.science.machine.devices import choose_device, describe_device

SHORT = {1: 100_000}  # sequences of a run; of many:
SHORT_TOTAL, SHORT_LEAST = 800_000, 20_000
TOTAL, LEAST, MOST = 2_000_000, 20_000, 500_000  # sequences of a long lap, and of one run
ENOUGH, MOST_ROUNDS = 4_000_000, 3  # sequences of a size, over all its long rounds
FIRST = 2_000  # sequences of the run that compiles


def short(sizes: Sequence[int], sequences: int, rounds: int, until: float) -> list[Lengths]:
    """Laps of seconds, all sizes in turns, while there is time."""
    each = {
        size: sequences or SHORT.get(size) or max(SHORT_LEAST, SHORT_TOTAL // size)
        for size in sizes
    }
    return [Lengths(each, rounds, until)]


def long(sizes: Sequence[int], sequences: int, rounds: int) -> list[Lengths]:
    """One size after the other, longer laps; more rounds where they are short: those vary more."""
    each = {size: sequences or max(LEAST, min(TOTAL // size, MOST)) for size in sizes}
    return [
        Lengths({size: of}, rounds or min(max(1, ENOUGH // (size * of)), MOST_ROUNDS))
        for size, of in each.items()
    ]


def bench_cohorts(folder: Path, lengths: Sequence[Lengths]) -> Iterator[dict[str, Any]]:
    """Measures; prints as it goes, and yields all that is known so far."""
    device, places = choose_device("auto"), places_to_train()
    peak = Peak(matmul_peak(device), len(places), device.type == "cpu")
    found: dict[str, Any] = {
        "device": f"{peak.workers} x {describe_device(device)}",
        "matmul_gflops_per_worker": round(peak.gflops, 1),
    }
    say(f"{found['device']}: matrix products at {peak.gflops:,.0f} GFLOP/s, one worker each")
    with baseline_of(folder) as baseline, track(folder) as here:
        found["start_seconds_cold"] = _first(here)
        for some in lengths:
            turns = take_turns(here.run, baseline.lap if baseline else None, some, _tell)
            _add(found, turns, some, peak)
            for size in some.each:
                for line in size_lines(size, found):
                    say(line)
            yield found


@contextmanager
def baseline_of(folder: Path) -> Iterator[BaselineProcess | None]:
    """Compiled, of the first of the runs; none where JAX is not installed, which is said."""
    if not is_installed():
        say(MISSING)
        yield None
        return
    with BaselineProcess.started(seeds_of_the_main_run(1, FIRST, FIRST)[0], folder) as baseline:
        say(f"baseline: the paper's loop in {baseline.about}, one run after the other")
        yield baseline


def _first(here: Track) -> float:
    every = every_of(FIRST, recorded=True)
    seconds = here.run(seeds_of_the_main_run(1, FIRST, every)).start_seconds
    say(f"first run, nothing compiled yet: {seconds:.0f} s until it trains")
    return round(seconds, 1)


def _tell(turns: Turns) -> None:
    say(round_line(turns))


def _add(found: dict[str, Any], turns: Turns, lengths: Lengths, peak: Peak) -> None:
    """What a group of sizes came to."""
    cohorts = found.setdefault("cohorts", {})
    for size, laps in turns.sizes.items():
        cohorts[str(size)] = figures(laps, size, lengths.each[size], peak)
    if not turns.baseline[True]:
        return
    found["baseline"] = {
        "sequences_per_second": round(median_speed(turns.baseline[True])),
        "training_sequences_per_second": round(median_speed(turns.baseline[False])),
        **costs(turns.baseline[True]),
    }
    for name, values in ratios(turns).items():
        found.setdefault(name, {}).update(values)
