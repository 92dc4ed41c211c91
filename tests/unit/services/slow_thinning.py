"""The rule of thinning as it was first written: slower, and what the fast one is held against."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

Numbers = Sequence[float]


def thin(
    sequences: Sequence[int], series: Sequence[Numbers], max_points: int
) -> tuple[list[int], int | None]:
    """Indices of what to keep, and the width of the buckets (None: everything is kept).

    The narrowest width that keeps at most `max_points`; one bucket at the widest, which may keep
    more when there are many series.
    """
    kept = list(range(len(sequences)))
    if len(kept) <= max_points:
        return kept, None
    width = _narrowest(sequences, max_points)
    while True:
        # A bucket is two of half its width: what it keeps is among what they kept.
        chosen = keep(sequences, series, width)
        kept = [kept[index] for index in chosen]
        if len(kept) <= max_points or width > sequences[-1]:
            return kept, width
        sequences = [sequences[index] for index in chosen]
        series = [[numbers[index] for index in chosen] for numbers in series]
        width *= 2


def keep(sequences: Sequence[int], series: Sequence[Numbers], width: int) -> list[int]:
    """Indices of what buckets of this width keep, in order."""
    kept: list[int] = []
    start = 0
    for _, bucket in groupby(sequences, lambda place: place // width):
        end = start + sum(1 for _ in bucket)
        chosen = {end - 1}
        for numbers in series:
            chosen.update(start + index for index in _extremes(numbers[start:end]))
        kept.extend(sorted(chosen))
        start = end
    return kept


def _extremes(numbers: Numbers) -> Iterator[int]:
    """Where the smallest and largest number are (the first of equals), and the first NaN."""
    known: Numbers = numbers
    if math.isnan(sum(numbers)):  # one is NaN, or there are infinities of both signs
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
