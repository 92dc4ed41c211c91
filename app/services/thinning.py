"""Which measurements of a long series to draw: deterministic, never averaged, never random.

Buckets of one width, a round number of `sequences`, start at 0, so that they do not move while a
run grows. Of each bucket those measurements are kept that are its last, or where a series has its
smallest or largest number, or its first NaN. A phase change or a spike is never smoothed away.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

_ROUND = (1, 2, 5)

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
    for width in _widths(sequences, max_points):
        kept = keep(sequences, series, width)
        if len(kept) <= max_points:
            break
    return kept, width


def keep(sequences: Sequence[int], series: Sequence[Numbers], width: int) -> list[int]:
    """Indices of what buckets of this width keep, in order."""
    kept: list[int] = []
    for _, members in groupby(range(len(sequences)), lambda index: sequences[index] // width):
        bucket = list(members)
        chosen = {bucket[-1]}
        for numbers in series:
            chosen.update(_extremes(numbers, bucket))
        kept.extend(sorted(chosen))
    return kept


def _extremes(numbers: Numbers, bucket: Sequence[int]) -> Iterator[int]:
    """Where its smallest and largest number are (the first of equals), and its first NaN."""
    known = [index for index in bucket if not math.isnan(numbers[index])]
    if known:
        yield min(known, key=numbers.__getitem__)
        yield max(known, key=numbers.__getitem__)
    if len(known) < len(bucket):
        yield next(index for index in bucket if math.isnan(numbers[index]))


def _widths(sequences: Sequence[int], max_points: int) -> Iterator[int]:
    """1, 2 or 5 times powers of ten, from about one bucket a point to one bucket for everything."""
    widest = sequences[-1] + 1
    power = 10 ** int(math.log10(max(1, (widest - sequences[0]) // max_points)))
    while True:
        for factor in _ROUND:
            yield factor * power
            if factor * power >= widest:
                return
        power *= 10
