"""Which checkpoints of a run stay, while it trains and after: enough to fork and to analyse."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

EVENLY = 18  # over the whole training
AROUND = 14  # the phase change, with half its length before and after
# With the first and the last: of a default run 34 files of 811 kB, 28 MB, where there were 201.


RECENT = 30  # the latest of a run that trains: its phase change may be under way
MOST_MEANWHILE = 80  # that a run has while it trains, before some of them go


class Keep(StrEnum):
    """Which checkpoints of a run stay."""

    USUAL = "usual"  # see `kept`
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went, as far as it matters here; places in sequences."""

    total: int
    onset: float | None
    end: float | None


def kept(places: Sequence[int], course: Course, needed: Collection[int] = ()) -> set[int]:
    """Which of these places keep their checkpoint: the first, the last, some evenly, some around
    the phase change, and those `needed` (pinned, or by forks and grafts)."""
    if len(places) <= EVENLY + AROUND + 2:
        return {*places}
    grid = [course.total * step / EVENLY for step in range(EVENLY + 1)]
    evenly = {min(places, key=lambda place: (abs(place - at), place)) for at in grid}
    return {places[0], places[-1], *evenly, *_around(places, course), *needed} & {*places}


def kept_meanwhile(places: Sequence[int], course: Course, needed: Collection[int] = ()) -> set[int]:
    """The same of a run that trains on: all while they are few, and the latest in any case."""
    if len(places) <= MOST_MEANWHILE:
        return {*places}
    return kept(places, course, needed) | {*places[-RECENT:]}


def _around(places: Sequence[int], course: Course) -> set[int]:
    if course.onset is None:
        return set()
    end = places[-1] if course.end is None else course.end
    margin = max(end - course.onset, course.total / EVENLY) / 2
    within = [at for at in places if course.onset - margin <= at <= end + margin]
    step = max(1, math.ceil(len(within) / AROUND))
    return {*within[::step]}
