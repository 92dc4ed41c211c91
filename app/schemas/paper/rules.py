"""Claims of the paper as rules about curves: signs and orders, which any data set should show.

A curve is where it was measured (sequences) and the loss there (nats). A rule says whether it
holds, with the figures that decide it; None: the curves do not tell yet.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.schemas.analyses.read import AnalysisResult

LEVELS = {"0.5": 0.5, "½ ln 2": math.log(2) / 2, "0.4 ln 2": 0.4 * math.log(2), "0.1": 0.1}
HALF = "½ ln 2"
PLATEAU = (0.55, 0.85)  # nats: around ln 2, where the two labels of the context are guessed between


class MeasuredCurve(NamedTuple):
    """A number of a run, as measured; `is_whole`: no more will come."""

    sequences: Sequence[int]
    numbers: Sequence[float]
    is_whole: bool = True


Curves = Mapping[str, MeasuredCurve]


class Verdict(NamedTuple):
    """Whether a claim holds here, and by which figures."""

    holds: bool | None
    figures: str


class Rule(Protocol):
    """Decides a claim by curves, by their labels."""

    @property
    def needed(self) -> Sequence[str]:
        """The labels of the curves that it asks for."""
        ...

    def __call__(self, curves: Curves) -> Verdict: ...


Finding = Callable[[AnalysisResult, Curves], Verdict]


@dataclass(frozen=True)
class AnalysisClaim:
    """What a figure supports, and how it is checked by what an analysis found."""

    text: str
    rule: Finding


@dataclass(frozen=True)
class PublishedClaim:
    """What a figure supports, and how it is checked."""

    text: str
    rule: Rule


def crossing(curve: MeasuredCurve, level: float) -> float | None:
    """Where the curve first falls below the level, on the line between two measurements."""
    before: tuple[float, float] | None = None
    for place, number in zip(curve.sequences, curve.numbers, strict=True):
        if number < level:
            if before is None or not math.isfinite(before[1]) or before[1] <= number:
                return float(place)
            share = (before[1] - level) / (before[1] - number)
            return before[0] + share * (place - before[0])
        before = (float(place), number)
    return None


def at(curve: MeasuredCurve, place: float) -> float | None:
    """The number at a place, on the line between two measurements; None beyond them."""
    before: tuple[int, float] | None = None
    for now in zip(curve.sequences, curve.numbers, strict=True):
        if now[0] >= place:
            if before is None or now[0] == place:
                return now[1] if now[0] == place else None
            share = (place - before[0]) / (now[0] - before[0])
            return before[1] + share * (now[1] - before[1])
        before = now
    return None


def width(curve: MeasuredCurve, low: float, high: float) -> float | None:
    """For how many sequences the curve falls from `high` to `low`."""
    start, end = crossing(curve, high), crossing(curve, low)
    return None if start is None or end is None else end - start


def thousands(number: float | None) -> str:
    """A place along the training as people say it."""
    return "not yet" if number is None else f"{number / 1000:,.1f}k"


@dataclass(frozen=True)
class InOrder:
    """Curves fall below a level one after the other; one that never does comes last."""

    labels: Sequence[str]
    level: str = HALF
    slack: float = 1.0  # a later one may be that much sooner, as a factor

    @property
    def needed(self) -> Sequence[str]:
        return self.labels

    def __call__(self, curves: Curves) -> Verdict:
        found = [crossing(curves[label], LEVELS[self.level]) for label in self.labels]
        said = ", ".join(
            f"{label} {thousands(one)}" for label, one in zip(self.labels, found, strict=True)
        )
        pairs = list(zip(self.labels, found, strict=True))
        return Verdict(self._judged(curves, pairs), f"{self.level} at: {said}")

    def _judged(self, curves: Curves, found: Sequence[tuple[str, float | None]]) -> bool | None:
        unknown = [label for label, one in found if one is None]
        if len(unknown) > 1 or any(not curves[label].is_whole for label in unknown):
            return None
        places = [math.inf if one is None else one for _, one in found]
        return all(a <= b * self.slack for a, b in itertools.pairwise(places))


@dataclass(frozen=True)
class EndsBelow:
    """Every one of these curves ends below a number."""

    labels: Sequence[str]
    most: float

    @property
    def needed(self) -> Sequence[str]:
        return self.labels

    def __call__(self, curves: Curves) -> Verdict:
        ends = {label: curves[label].numbers[-1] for label in self.labels}
        worst = max(ends, key=ends.__getitem__)
        said = f"the highest end is {ends[worst]:.3f} nats, of {worst}"
        if not all(curves[label].is_whole for label in self.labels):
            return Verdict(None, said)
        return Verdict(ends[worst] < self.most, said)


@dataclass(frozen=True)
class EndsAbove:
    """Every one of these curves ends above a number."""

    labels: Sequence[str]
    least: float

    @property
    def needed(self) -> Sequence[str]:
        return self.labels

    def __call__(self, curves: Curves) -> Verdict:
        ends = {label: curves[label].numbers[-1] for label in self.labels}
        best = min(ends, key=ends.__getitem__)
        said = f"the lowest end is {ends[best]:.3f} nats, of {best}"
        if not all(curves[label].is_whole for label in self.labels):
            return Verdict(None, said)
        return Verdict(ends[best] > self.least, said)


@dataclass(frozen=True)
class LongerPlateau:
    """One curve stays around ln 2 for longer than each of others."""

    longest: str
    others: Sequence[str]

    @property
    def needed(self) -> Sequence[str]:
        return (self.longest, *self.others)

    def __call__(self, curves: Curves) -> Verdict:
        low, high = PLATEAU
        widths = {label: width(curves[label], low, high) for label in (self.longest, *self.others)}
        said = ", ".join(f"{label} {thousands(one)}" for label, one in widths.items())
        known = [one for one in widths.values() if one is not None]
        whole = len(known) == len(widths)
        holds = widths[self.longest] == max(known) if whole else None
        return Verdict(holds, f"sequences from {high} to {low} nats: {said}")
