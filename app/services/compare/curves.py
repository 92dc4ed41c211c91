"""Curves made comparable: moved to where their loss drops, subtracted, smoothed. Pure functions."""

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping

from app.db.series import Curve
from app.services.series.interpolation import number_at


def moved(curve: Curve, origin: int) -> Curve:
    """The curve with its places counted from `origin` on."""
    return curve._replace(sequences=[place - origin for place in curve.sequences])


def between(curve: Curve, first: int, last: int) -> Curve:
    """The part of a curve from one place to another, both included."""
    start = bisect_left(curve.sequences, first)
    stop = bisect_left(curve.sequences, last + 1)
    return Curve(curve.run_id, curve.sequences[start:stop], curve.numbers[start:stop])


def difference(curve: Curve, baseline: Curve) -> Curve:
    """The curve minus the baseline, at each of its places that lies within the baseline's.

    Between two of its measurements the baseline is the straight line; beyond them it is nothing.
    """
    places, numbers = [], []
    for place, number in zip(curve.sequences, curve.numbers, strict=True):
        known = number_at(baseline, place)
        if known is not None:
            places.append(place)
            numbers.append(number - known)
    return Curve(curve.run_id, places, numbers)


def smoothed(curve: Curve, weight: float, restarts: Collection[int] = ()) -> Curve:
    """The exponential moving mean, debiased; what is not finite stays, and has no part in it. It
    begins anew at `restarts`: what another program measured has no part in it."""
    if weight == 0:
        return curve
    mean, counted, last = 0.0, 0, -math.inf
    numbers = []
    for place, number in zip(curve.sequences, curve.numbers, strict=True):
        if any(last < restart <= place for restart in restarts):
            mean, counted = 0.0, 0
        last = place
        if math.isfinite(number):
            mean = weight * mean + (1 - weight) * number
            counted += 1
            numbers.append(mean / (1 - weight**counted))
        else:
            numbers.append(number)
    return curve._replace(numbers=numbers)


def differences(curves: Mapping[str, Curve], baseline: str) -> dict[str, Curve]:
    """Every curve but the baseline's, minus it; those that share no place with it are left out."""
    if baseline not in curves:
        return {}
    found = {
        run_id: difference(curve, curves[baseline])
        for run_id, curve in curves.items()
        if run_id != baseline
    }
    return {run_id: curve for run_id, curve in found.items() if curve.sequences}
