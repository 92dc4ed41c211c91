"""What the curves of a group have in common: their mean and range, and how many stand behind them.

Every curve is read at the same places, between two of its measurements on the straight line that is
drawn there. A mean of straight lines bends only where one of them does, so that at measured places
it is exact. Where a curve begins, ends, or is not finite, the mean has fewer terms and would jump
without anything having happened: it breaks off there.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from app.db.series import Curve
from app.services.charts.curves import thinned
from app.services.series.interpolation import numbers_at
from app.services.series.thinning import thin

COMMON_PLACES = 400  # at most, besides those where curves begin and end


@dataclass(frozen=True)
class SpreadPoint:
    """Mean, least and most at one place, of those runs that have a number there."""

    at: int
    mean: float
    least: float
    most: float
    runs: frozenset[int]  # which of the curves, by their number

    @property
    def count(self) -> int:
        return len(self.runs)


Stretch = Sequence[SpreadPoint]  # of the same runs, without a gap


def spread(
    curves: Sequence[Curve],
    drawn: int,
    offsets: Mapping[str, float] | None = None,
    seen: tuple[int, int] | None = None,
) -> list[Stretch]:
    """Mean and range where at least half of the curves, and two, have a number: a stretch for each
    part in which the same curves have.

    `drawn`: how many curves the figure has, which says where each is thinned. `offsets`, of curves
    that were moved by whole sequences: by how many, from -1/2 to 1/2, a run should have moved more.
    `seen`: the part that is looked at. Curves that are cut end anywhere behind its edges.
    """
    places = common_places(curves, drawn)
    if seen is not None:
        places = sorted({*seen, *(place for place in places if seen[0] <= place <= seen[1])})
    known = offsets or {}
    columns = [_column(curve, places, known.get(curve.run_id, 0.0)) for curve in curves]
    points = [_point(at, column) for at, *column in zip(places, *columns, strict=True)]
    return list(_stretches(points, max(2, math.ceil(len(curves) / 2))))


def common_places(curves: Sequence[Curve], drawn: int) -> list[int]:
    """Where the curves of a group are read, in order.

    Where any of them was measured. Of very many such places: of every bucket the last, and those
    of its smallest and its largest number, so that the range leaves out nothing that is drawn.
    Always where a curve begins or ends, and zero, which moved curves have in common.
    """
    measured = sorted(chain(*(zip(*thinned(curve, drawn), strict=True) for curve in curves)))
    if not measured:
        return []
    unique = {place for place, _ in measured}
    if len(unique) > COMMON_PLACES:
        sequences = [place for place, _ in measured]
        kept, _ = thin(sequences, [[number for _, number in measured]], COMMON_PLACES)
        ends = (place for one in curves for place in (one.sequences[0], one.sequences[-1]))
        unique = {sequences[index] for index in kept}.union(ends)
    return sorted(unique | {0} if min(unique) < 0 < max(unique) else unique)


def _column(curve: Curve, places: Sequence[int], offset: float) -> list[float]:
    """A curve's numbers at all places; at its ends those of its ends, whatever the offset."""
    if not offset or not curve.sequences:
        return numbers_at(curve, places)
    first, last = curve.sequences[0], curve.sequences[-1]
    moved = (
        min(max(place + offset, first), last) if first <= place <= last else place
        for place in places
    )
    return numbers_at(curve, moved)


def _point(at: int, column: Sequence[float]) -> SpreadPoint | None:
    """What the finite numbers of one place come to; nothing of none."""
    known = {number: value for number, value in enumerate(column) if math.isfinite(value)}
    if not known:
        return None
    least, most = min(known.values()), max(known.values())
    # Rounding must not carry the mean of equal numbers out of their range.
    mean = min(max(math.fsum(known.values()) / len(known), least), most)
    return SpreadPoint(at, mean, least, most, frozenset(known))


def _stretches(points: Sequence[SpreadPoint | None], enough: int) -> Iterator[Stretch]:
    """Neighbours of the same runs, together."""
    found: list[SpreadPoint] = []
    for point, following in pairwise([*points, None]):
        if point is None or point.count < enough:
            continue
        found.append(point)
        if following is None or following.runs != point.runs:
            yield found
            found = []


def joined(stretches: Sequence[Stretch]) -> list[SpreadPoint | None]:
    """All points in a row, None between two stretches."""
    parts: Iterator[Sequence[SpreadPoint | None]] = (
        [None, *one] if number else one for number, one in enumerate(stretches)
    )
    return list(chain.from_iterable(parts))
