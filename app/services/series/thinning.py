"""Which measurements of a long series to draw: deterministic, never averaged, never random.

Buckets of one width, a power of two of `sequences`, start at 0, so that they do not move while a
run grows. Of each bucket those measurements are kept that are its last, or where a series has its
smallest or largest number, or its first NaN. A phase change or a spike is never smoothed away.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Numbers = Sequence[float]


def thin(
    sequences: Sequence[int], series: Sequence[Numbers], max_points: int
) -> tuple[list[int], int | None]:
    """Indices of what to keep, and the width of the buckets (None: everything is kept).

    The narrowest width that keeps at most `max_points`; one bucket at the widest, which may keep
    more when there are many series.
    """
    if len(sequences) <= max_points:
        return list(range(len(sequences))), None
    columns = [_Column(numbers, _has_nan(numbers)) for numbers in series]
    width = _narrowest(sequences, max_points)
    while width <= max(abs(sequences[0]), abs(sequences[-1])):
        kept = _keep(sequences, columns, width, max_points)
        if len(kept) <= max_points:
            return kept, width
        # Every bucket of the next width is two of this one, so that what is kept changes by whole
        # buckets only.
        width *= 2
    return _keep(sequences, columns, width, len(sequences)), width


def keep(sequences: Sequence[int], series: Sequence[Numbers], width: int) -> list[int]:
    """Indices of what buckets of this width keep, in order."""
    columns = [_Column(numbers, _has_nan(numbers)) for numbers in series]
    return _keep(sequences, columns, width, len(sequences))


@dataclass(frozen=True, slots=True)
class _Column:
    """A series, and whether it may hold a NaN: most do not, and are faster to look through."""

    numbers: Numbers
    has_nan: bool


def _has_nan(numbers: Numbers) -> bool:
    """Whether one is NaN; also true of infinities of both signs."""
    return math.isnan(sum(numbers))


def _keep(
    sequences: Sequence[int], columns: Sequence[_Column], width: int, enough: int
) -> list[int]:
    """What buckets of this width keep; the rest is not looked at once that is more than enough."""
    # They begin at multiples of the width, not at the first point: a run that grows moves none of
    # them, and what was drawn stays.
    buckets = list(_buckets(sequences, width))
    # The last of all is so always kept: pages go on from it, see `run_page`.
    kept = {end - 1 for _, end in buckets}
    for column in columns:
        for start, end in buckets:
            if len(kept) > enough:
                return sorted(kept)
            numbers = column.numbers[start:end]
            if column.has_nan:
                kept.update(start + index for index in _extremes(numbers))
            else:
                kept.add(start + numbers.index(min(numbers)))  # the first of equals
                kept.add(start + numbers.index(max(numbers)))
    return sorted(kept)


def _buckets(sequences: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
    """From which index to which: those that hold anything."""
    start = 0
    while start < len(sequences):
        end = bisect_left(sequences, (sequences[start] // width + 1) * width, start)
        yield start, end
        start = end


def _extremes(numbers: Numbers) -> Iterator[int]:
    """Where the smallest and the largest number are, and the first NaN."""
    known = [number for number in numbers if not math.isnan(number)]
    if known:
        yield numbers.index(min(known))
        yield numbers.index(max(known))
    if len(known) < len(numbers):
        yield next(index for index, number in enumerate(numbers) if math.isnan(number))


def _narrowest(sequences: Sequence[int], max_points: int) -> int:
    """A width with about one bucket a point: narrower ones would keep too much."""
    span = sequences[-1] - sequences[0] + 1
    return 1 << max(0, (span // max_points).bit_length() - 1)
