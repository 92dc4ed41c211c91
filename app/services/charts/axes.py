"""The x axis of a run's figures: sequences, updates, training time, or sequences on a log scale.

What a run reports is numbered by `sequences`; an `Axis` says where such a number lies. The same is
in the layout's `meta`, for the browser that appends points: `{"kind": "updates", "scale": 32}`
means that `sequences` is divided by 32.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Invalid
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement
from app.schemas.view import Drawing, XAxis, YAxis

_TIMES = ((2 * 3600, 3600, "hours"), (300, 60, "minutes"), (0, 1, "seconds"))


@dataclass(frozen=True)
class Look:
    """How a figure is drawn, and which part of the run it shows (None: to that end)."""

    x: XAxis = XAxis.SEQUENCES
    y: YAxis = YAxis.LINEAR
    drawing: Drawing = Drawing.LINES
    start: int | None = None
    until: int | None = None

    @property
    def is_part(self) -> bool:
        return self.start is not None or self.until is not None

    def holds(self, sequences: int) -> bool:
        """Whether a place is in view."""
        return sequences >= (self.start or 0) and (self.until is None or sequences <= self.until)


USUAL = Look()


@dataclass(frozen=True)
class Axis:
    """Where measurements, and places between them, lie."""

    kind: XAxis
    title: str
    scale: float  # sequences or seconds in one of its units
    first: float  # of what it shows, in its units
    last: float
    known: Sequence[tuple[int, float]] = field(default=(), repr=False)  # sequences, seconds

    @property
    def is_log(self) -> bool:
        return self.kind is XAxis.LOG

    def of(self, row: Measurement) -> float:
        """Where a measurement lies."""
        if self.kind is XAxis.ELAPSED:
            return round(row.elapsed_seconds / self.scale, 6)
        return self._divided(row.sequences)

    def at(self, sequences: float) -> float | None:
        """Where any place of the run lies; None where that is not known."""
        if self.is_log and sequences <= 0:
            return None
        if self.kind is not XAxis.ELAPSED:
            return self._divided(sequences)
        seconds = _between(self.known, sequences)
        return None if seconds is None else seconds / self.scale

    def written(self, place: float) -> float:
        """A place as ranges and annotations want it."""
        return math.log10(place) if self.is_log else place

    def share(self, place: float) -> float:
        """How far along the axis a place is: 0 at its left end, 1 at its right."""
        low, high = self.written(self.first), self.written(self.last)
        return (self.written(place) - low) / (high - low)

    def shows(self, row: Measurement) -> bool:
        """A log axis has no place for 0."""
        return not self.is_log or row.sequences > 0

    def layout(self) -> dict[str, Any]:
        """What is peculiar to it, as Plotly wants it."""
        hover = {XAxis.ELAPSED: ".4~g", XAxis.UPDATES: ",.0f"}.get(self.kind, ",d")
        return {
            "type": "log" if self.is_log else "linear",
            "range": [self.written(self.first), self.written(self.last)],
            "tickformat": "~g" if self.kind is XAxis.ELAPSED else "~s",
            "hoverformat": hover,
            "nticks": 7,
        } | self._log_ticks()

    def _log_ticks(self) -> dict[str, Any]:
        """Of a log axis 1, 2 and 5 of every decade, or decades alone: more would collide."""
        if not self.is_log:
            return {}
        return {"dtick": "D2" if self.last < 200 * self.first else 1}

    def meta(self, rows: Sequence[Measurement]) -> dict[str, Any]:
        """What a browser needs to append points, and to tell where a point was measured."""
        told: dict[str, Any] = {"kind": self.kind, "scale": self.scale}
        if self.kind is XAxis.ELAPSED:
            told["sequences"] = [row.sequences for row in rows]
        return told

    def _divided(self, sequences: float) -> float:
        if self.scale == 1:
            return sequences
        whole = sequences / self.scale
        return int(whole) if whole == int(whole) else whole


def axis_of(look: Look, rows: Sequence[Measurement], config: RunConfig) -> Axis:
    """The x axis of a figure of these measurements."""
    total = config.training.total_sequences
    first, last = look.start or 0, total if look.until is None else look.until
    if last <= first:
        raise Invalid(
            f"The part from {first:,} to {last:,} sequences has no width; this run has {total:,}.",
            loc="query/from",
        )
    match look.x:
        case XAxis.UPDATES:
            batch = config.training.batch_size
            return Axis(look.x, "updates", batch, first / batch, last / batch)
        case XAxis.LOG:
            lowest = max(first, min(config.recording.evaluate_every, last / 10))
            return Axis(look.x, "sequences seen (log scale)", 1, lowest, last)
        case XAxis.ELAPSED:
            return _elapsed(look, rows, total)
    return Axis(look.x, "sequences seen", 1, first, last)


def _elapsed(look: Look, rows: Sequence[Measurement], total: int) -> Axis:
    """From 0 to when training will have ended, at its present pace; of a part, just its own."""
    known = [(row.sequences, row.elapsed_seconds) for row in rows]
    if not known:
        return Axis(look.x, "training time (seconds)", 1, 0, 60)
    (_, first), (sequences, last) = known[0], known[-1]
    if not look.is_part:
        first, last = 0, last * total / sequences if sequences else last
    # Of a part there is a point beyond either edge, so that lines reach it.
    elif look.start is not None and (seconds := _between(known, look.start)) is not None:
        first = seconds
    if look.until is not None and (seconds := _between(known, look.until)) is not None:
        last = seconds
    last = max(last, first + 1e-3)
    scale, unit = next((scale, unit) for least, scale, unit in _TIMES if last >= least)
    title = f"training time ({unit})"
    return Axis(look.x, title, scale, round(first / scale, 6), round(last / scale, 6), known)


def _between(known: Sequence[tuple[int, float]], sequences: float) -> float | None:
    """Seconds at a place, on straight lines between what was measured."""
    if not known or not known[0][0] <= sequences <= known[-1][0]:
        return None
    right = max(1, bisect_left(known, sequences, key=lambda one: one[0]))
    if right >= len(known):
        return known[-1][1]
    (x0, y0), (x1, y1) = known[right - 1], known[right]
    return y0 + (y1 - y0) * (sequences - x0) / (x1 - x0)


def plotted(numbers: Sequence[float]) -> list[float | None]:
    """Numbers of a run as figures have them: six decimals; NaN and infinities, for which JSON has
    no word, are gaps."""
    return [round(number, 6) if math.isfinite(number) else None for number in numbers]
