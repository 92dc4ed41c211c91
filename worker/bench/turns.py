"""Sizes and the baseline in turns, since a machine's speed varies: a round is a lap of each at the
paper's cadence, and then a lap of each with nothing in between."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.schemas.config import RunConfig
from worker.bench.configs import seeds_of_the_main_run
from worker.bench.track import Lap, Pace

CADENCE = 5000  # sequences between reports of the paper's main run
BASELINE_LAP = 30_000  # sequences: some seconds


@dataclass(frozen=True)
class Lengths:
    """What is timed together: by number of runs, the sequences of each; and in how many rounds.

    `until`: on the monotonic clock, when no further round may end, where rounds are not counted.
    """

    each: Mapping[int, int]
    rounds: int = 0
    until: float = 0.0


@dataclass
class Turns:
    """Laps by whether everything was recorded: those of the baseline, and those of each size."""

    baseline: dict[bool, list[Pace]] = field(default_factory=lambda: {True: [], False: []})
    sizes: dict[int, dict[bool, list[Lap]]] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        return max((len(laps[False]) for laps in self.sizes.values()), default=0)


def take_turns(
    run: Callable[[Sequence[RunConfig]], Lap],
    baseline: Callable[[int, int], Pace] | None,
    lengths: Lengths,
    told: Callable[[Turns], None],
    clock: Callable[[], float] = time.monotonic,
) -> Turns:
    """As many rounds as were asked for, or as there is time for, one at least; tells of each."""
    turns = Turns(sizes={size: {True: [], False: []} for size in lengths.each})
    while True:
        begun = clock()
        for recorded in (True, False):
            if baseline is not None:
                every = every_of(BASELINE_LAP, recorded=recorded)
                turns.baseline[recorded].append(baseline(BASELINE_LAP, every))
            for size, each in lengths.each.items():
                every = every_of(each, recorded=recorded)
                lap = run(seeds_of_the_main_run(size, each, every))
                turns.sizes[size][recorded].append(lap)
        told(turns)
        now = clock()
        has_time = now + (now - begun) < lengths.until
        if not (turns.rounds < lengths.rounds or (not lengths.rounds and has_time)):
            return turns


def every_of(sequences: int, *, recorded: bool) -> int:
    """The cadence: the paper's, or nothing between begin and end."""
    return CADENCE if recorded else -(-sequences // CADENCE) * CADENCE


def median_speed(paces: Sequence[Pace]) -> float:
    """Sequences per second."""
    return statistics.median(one.speed for one in paces)


def median_cpu(paces: Sequence[Pace]) -> float:
    """CPU seconds of a sequence, 0 where nothing tells."""
    return statistics.median(one.cpu_seconds / one.sequences for one in paces)
