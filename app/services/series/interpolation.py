"""A curve between its measurements: the straight line, as it is drawn; beyond them nothing."""

import math
from bisect import bisect_left
from collections.abc import Iterable

from app.db.series import Curve


def number_at(curve: Curve, place: float) -> float | None:
    """A curve's number at a place of its x axis; None outside of what was measured.

    Beside a number that is not finite, what lies between is not finite either.
    """
    right = bisect_left(curve.sequences, place)
    if right == len(curve.sequences):
        return None
    if curve.sequences[right] == place:
        return curve.numbers[right]
    if right == 0:
        return None
    left = right - 1
    start, end = curve.sequences[left], curve.sequences[right]
    share = (place - start) / (end - start)
    return curve.numbers[left] + share * (curve.numbers[right] - curve.numbers[left])


def numbers_at(curve: Curve, places: Iterable[float]) -> list[float]:
    """The same at many places, NaN where there is nothing."""
    found = (number_at(curve, place) for place in places)
    return [math.nan if number is None else number for number in found]
