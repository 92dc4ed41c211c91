"""The time line of a run: its loss from left to right, and what happened where, in a drawing that
is as wide as the page has room for."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.schemas.api.runs import RunRead
from app.schemas.clamps.base import Light
from app.schemas.measure import EVALUATORS, Evaluator, Measurement, PhaseChange
from app.services.charts.marks import Window
from app.services.charts.sparklines import small_line
from app.services.series.thinning import thin
from app.services.wording import short

WIDTH, HEIGHT = 1000, 36  # of the drawing, in units that are stretched to the room there is
POINTS = 300
_TOP, _BOTTOM = 5, 33
_NEW = EVALUATORS.index(Evaluator.NEW_CLASSES)


@dataclass(frozen=True)
class Stretch:
    """A part of the time line, in the drawing's units; `tone`: of the light that is on there."""

    left: float
    width: float
    tone: Light | None = None


@dataclass(frozen=True)
class TimelineDrawing:
    """What is drawn. `most`: the loss at the top, None before anything was measured."""

    end: int  # sequences at its right end
    latest: int  # sequences of the last point that it holds; -1 without any
    most: float | None
    line: str
    area: str
    change: Stretch | None
    windows: Sequence[Stretch]
    marks: str  # the places of the phase change
    checkpoints: str
    events: str
    says: str
    width: int = WIDTH
    height: int = HEIGHT
    top: int = _TOP  # heights of the largest loss, and of 0
    bottom: int = _BOTTOM
    series: int = _NEW  # which of the evaluators' losses the line is of


def timeline(
    run: RunRead,
    rows: Sequence[Measurement],
    windows: Sequence[Window],
    *,
    saved: Sequence[int],
    happened: Sequence[int],
) -> TimelineDrawing:
    """That of a run: to its end, or to where it has ended. `saved`, `happened`: sequences of its
    checkpoints and of its events."""
    latest = rows[-1].sequences if rows else -1
    last = max(0, latest)
    end = max(1, last if run.is_terminal else run.total_sequences)
    line, most = loss_line(rows, end)
    change = run.phase_change
    places = [one for one in (change.onset, change.midpoint, change.end) if one is not None]
    return TimelineDrawing(
        end=end,
        latest=latest,
        most=most,
        line=line,
        area=area_below(line),
        change=_change(change, last, end),
        windows=[_stretch(one.start, one.until, end, one.light) for one in windows],
        marks=_ticks(places, end, (0, HEIGHT)),
        checkpoints=_ticks(saved, end, (HEIGHT - 4, HEIGHT)),
        events=_ticks(sorted(set(happened)), end, (0, 4)),
        says=_says(run, windows),
    )


def loss_line(
    rows: Sequence[Measurement], end: int, most: float | None = None
) -> tuple[str, float | None]:
    """The loss on new classes, and what its highest place is; `most` is at the top, if given."""
    places, losses = [row.sequences for row in rows], [row.loss[_NEW] for row in rows]
    kept, _ = thin(places, [losses], POINTS)
    points = [(places[index], losses[index]) for index in kept]
    known = [loss for _, loss in points if math.isfinite(loss)]
    if not known:
        return "", None
    most = most or max(max(known), 1e-9)
    placed = [(at, _BOTTOM - (_BOTTOM - _TOP) * loss / most) for at, loss in points]
    return small_line(placed, end, (0, WIDTH)), most


def area_below(line: str) -> str:
    """What lies below a line, gap by gap."""
    return "".join(_closed(part) for part in line.split("M")[1:])


def _closed(part: str) -> str:
    return f"M{part}V{HEIGHT}H{part.split(' ')[0]}Z"


def _change(change: PhaseChange, last: int, end: int) -> Stretch | None:
    """From its onset to its end, or to where training is."""
    if change.onset is None:
        return None
    return _stretch(change.onset, last if change.end is None else change.end, end)


def _stretch(start: float, until: float | None, end: int, tone: Light | None = None) -> Stretch:
    left = _x(start, end)
    right = WIDTH if until is None else _x(until, end)
    return Stretch(round(left, 1), round(max(0, right - left), 1), tone)


def _ticks(places: Sequence[float], end: int, heights: tuple[int, int]) -> str:
    high, low = heights
    return "".join(f"M{_x(one, end):.1f} {high}V{low}" for one in places if one <= end)


def _x(place: float, end: int) -> float:
    return min(WIDTH, WIDTH * place / end)


def _says(run: RunRead, windows: Sequence[Window]) -> str:
    """What its marks are, for who points at it."""
    lit = ["in colour: while clamps are on"] if windows else []
    marked = _marked(run.phase_change)
    return "; ".join(
        ["Line: loss on new classes", *marked, *lit, "below: checkpoints; above: events"]
    )


def _marked(change: PhaseChange) -> Iterator[str]:
    if change.onset is None:
        return
    places = {"onset": change.onset, "midpoint": change.midpoint, "end": change.end}
    known = [f"{name} {short(place)}" for name, place in places.items() if place is not None]
    yield f"shaded: the phase change, {', '.join(known)}"
