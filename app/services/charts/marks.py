"""What is marked in a run's figures: the phase change, a fork, what guessing would give, and where
a line stops being numbers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.schemas.clamps.base import BaseClamp, Light
from app.schemas.config import RunConfig
from app.schemas.measure import Bracket, Measurement, Metric, PhaseBrackets, PhaseChange
from app.schemas.view import YAxis
from app.schemas.words import grouped
from app.services.charts.axes import Axis
from app.services.charts.style import BAND, CARD, CLEAR, KNOWN, LIGHT_HUES, MARK, MUTED
from app.services.wording import short, span

MOST_TOLD = 3  # lines that stop being numbers and are named one by one
LABEL_CHARACTER = 0.0125  # width of a character of a mark's label, in shares of the x axis
_GUESSED = (Metric.ACCURACY, Metric.IN_CONTEXT_ACCURACY, Metric.CORRECT_PROBABILITY)


@dataclass(frozen=True)
class Window:
    """From where to where (None: the end of training) a light is on."""

    light: Light
    start: int
    until: int | None


@dataclass(frozen=True)
class Landmarks:
    """Places on the x axis that are marked: the phase change and how well it is known, where a fork
    begins, and when lights are on that are not always."""

    change: PhaseChange
    forked_at: int | None = None
    between: PhaseBrackets = field(default_factory=PhaseBrackets)
    windows: Sequence[Window] = ()


def windows_of(program: Sequence[BaseClamp]) -> list[Window]:
    """Of the clamps that are on for a part of training; equal ones once."""
    windows = (
        Window(one.light, one.from_sequences, one.until_sequences)
        for one in program
        if one.is_windowed
    )
    return list(dict.fromkeys(windows))


def mark_shapes(places: Landmarks, axis: Axis) -> Iterator[dict[str, Any]]:
    """The plateau as a band, lights as strips at the top with a tint, everything else as thin
    lines; a place of the phase change is as wide as it is known."""
    change = places.change
    tall: dict[str, Any] = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    yield from _light_shapes(places.windows, axis)
    if (band := _band(change, axis)) is not None:
        fill = {"type": "rect", "name": "band", "fillcolor": BAND, "line": {"width": 0}}
        yield {**tall, **fill, "x0": band[0], "x1": band[1]}
    for known in (places.between.onset, places.between.midpoint, places.between.end):
        if known is not None and (ends := _ends(axis, known)) is not None:
            fill = {"type": "rect", "name": "known", "fillcolor": KNOWN, "line": {"width": 0}}
            yield {**tall, **fill, "x0": ends[0], "x1": ends[1]}
    for place in (change.onset, change.midpoint, change.end, change.reversal):
        if (at := _at(axis, place)) is not None:
            line = {"color": MARK, "width": 1}
            yield {**tall, "type": "line", "name": "mark", "x0": at, "x1": at, "line": line}
    if (at := _at(axis, places.forked_at)) is not None:
        line = {"color": MUTED, "width": 1}
        # Below, the grid would hide it: a fork at 100k lies on one of its lines.
        where = {"layer": "above", "x0": at, "x1": at}
        yield {**tall, **where, "type": "line", "name": "fork", "line": line}


def _light_shapes(windows: Sequence[Window], axis: Axis) -> Iterator[dict[str, Any]]:
    for window in windows:
        start = axis.first if window.start == 0 else axis.at(window.start)
        end = axis.last if window.until is None else axis.at(window.until)
        if start is None or end is None:
            continue
        part = {"x0": start, "x1": end, "yref": "paper", "layer": "below", "line": {"width": 0}}
        colour = LIGHT_HUES[window.light]
        lit = {"type": "rect", "name": f"light-{window.light}", "fillcolor": colour}
        yield {**part, **lit, "y0": 0, "y1": 1, "opacity": 0.07}
        yield {**part, **lit, "y0": 0.985, "y1": 1}


def _ends(axis: Axis, known: Bracket) -> tuple[float, float] | None:
    if known.after is None:
        return None
    start, end = axis.at(known.after), axis.at(known.until)
    return None if start is None or end is None else (start, end)


def _at(axis: Axis, place: float | None) -> float | None:
    return None if place is None else axis.at(place)


def _band(change: PhaseChange, axis: Axis) -> tuple[float, float] | None:
    start, end = _at(axis, change.plateau_start), _at(axis, change.plateau_end)
    return None if start is None or end is None else (start, end)


def mark_labels(places: Landmarks, axis: Axis) -> Iterator[dict[str, Any]]:
    """Labels at the top; one that would run into its neighbour goes a line lower."""
    if (middle := _middle(places.change, axis)) is not None:
        plateau = label("plateau", axis.written(middle), 0, xanchor="center", yanchor="bottom")
        yield plateau | {"bgcolor": CLEAR}
    row_ends: list[float] = []
    for name, at, text in _marks(places, axis):
        width, share = len(text) * LABEL_CHARACTER, axis.share(at)
        flipped = share + width > 1
        start = share - width if flipped else share
        row = next((i for i, end in enumerate(row_ends) if start >= end), len(row_ends))
        row_ends[row:] = [start + width]
        anchor = {"xanchor": "right" if flipped else "left", "xshift": -3 if flipped else 3}
        note = label(text, axis.written(at), 1, **anchor, yanchor="top")
        yield note | {"name": name, "yshift": -15 * row}


def _middle(change: PhaseChange, axis: Axis) -> float | None:
    """Of that part of the plateau that is in view."""
    if (band := _band(change, axis)) is None:
        return None
    start, end = max(band[0], axis.first), min(band[1], axis.last)
    return (start + end) / 2 if start < end else None


def _marks(places: Landmarks, axis: Axis) -> list[tuple[str, float, str]]:
    """(name, place, label) of the marks that are known and in view, from left to right."""
    named: list[tuple[str, float | None, str]] = [
        ("fork", places.forked_at, f"fork {short(places.forked_at)}")
    ]
    for name in ("onset", "midpoint", "end"):
        place, known = getattr(places.change, name), getattr(places.between, name)
        named.append((name, place, f"{name} {span(known) if known else short(place)}"))
    named.append(("reversal", places.change.reversal, f"reversed {short(places.change.reversal)}"))
    found = [
        (name, at, text)
        for name, place, text in named
        if place is not None and (at := axis.at(place)) is not None and 0 <= axis.share(at) <= 1
    ]
    return sorted(found, key=lambda mark: mark[1])


def label(text: str, x: float, y: float, **place: str | float) -> dict[str, Any]:
    """A note in a figure."""
    return {
        "text": text,
        "name": "label",
        "x": x,
        "y": y,
        "yref": "paper",
        "showarrow": False,
        "bgcolor": CARD,
        "opacity": 0.9,
        "borderpad": 1,
        "font": {"size": 11, "color": MUTED},
        **place,
    }


def guess_of(metric: Metric, config: RunConfig) -> float | None:
    """What a model gets that guesses among the labels in context; None where that says nothing."""
    if metric is Metric.LOSS:
        return math.log(config.task.context_labels)
    return 1 / config.task.context_labels if metric in _GUESSED else None


def guessing_line(guess: float) -> dict[str, Any]:
    """A dashed line across the figure."""
    return {
        "type": "line",
        "name": "guessing",
        "layer": "below",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": guess,
        "y1": guess,
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }


def guessing_label(metric: Metric, guess: float, config: RunConfig, y: YAxis) -> dict[str, Any]:
    """The number that the dashed line is at."""
    place = math.log10(guess) if y is YAxis.LOG else guess
    # Beside the curves and not on them; `guessing_said` says what it means.
    note = label(_guess_named(metric, config), 1, place, xanchor="left", yanchor="middle")
    return note | {"name": "guessing", "xref": "paper", "yref": "y", "xshift": 3}


def _guess_named(metric: Metric, config: RunConfig) -> str:
    labels = config.task.context_labels
    return f"ln {labels}" if metric is Metric.LOSS else f"1/{labels}"


def guessing_said(metric: Metric, config: RunConfig) -> list[str]:
    """What the dashed line is, for the note under the figure."""
    labels = config.task.context_labels
    among = "between the two" if labels == 2 else f"among the {labels}"
    return [f"dashed, {_guess_named(metric, config)}: guessing {among} labels in context"]


def restarts_of(places: Landmarks) -> list[int]:
    """Where another program takes over, of a fork or as a light is switched: averages do not reach
    across it."""
    ends = [end for window in places.windows for end in (window.start, window.until)]
    return sorted({end for end in (places.forked_at, *ends) if end})


@dataclass
class Breaks:
    """Traces with the marks, and what is said below the figure."""

    traces: list[dict[str, Any]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def breaks_of(traces: Sequence[dict[str, Any]], rows: Sequence[Measurement]) -> Breaks:
    """A mark for every line that has a gap."""
    found = Breaks()
    gaps = [(trace, trace["y"].index(None)) for trace in traces if None in trace["y"]]
    for trace, index in gaps:
        sentence = f"{trace['name']} {_break_said(trace['y'], index, rows)}"
        found.sentences.append(sentence)
        if (mark := _break_mark(trace, index, sentence)) is not None:
            found.traces.append(mark)
    if len(gaps) > MOST_TOLD:
        first = min(rows[index].sequences for _, index in gaps)
        whole = (
            f"{len(gaps)} lines are not finite (NaN or infinite) from {grouped(first)} sequences on"
        )
        found.sentences = [whole]
    return found


def _break_said(numbers: Sequence[float | None], index: int, rows: Sequence[Measurement]) -> str:
    at = f"{grouped(rows[index].sequences)} sequences"
    later = [number for number in numbers[index:] if number is not None]
    if not later:
        return f"is not finite (NaN or infinite) from {at} on"
    return f"is not finite (NaN or infinite) in some points, first at {at}"


def _break_mark(trace: dict[str, Any], index: int, sentence: str) -> dict[str, Any] | None:
    """At the last finite point before the gap; of a line that begins with one, the first after."""
    numbers = trace["y"]
    place = index - 1 if index else next(_finite_places(numbers), None)
    if place is None:
        return None
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{trace['name']}, not finite",
        "x": [trace["x"][place]],
        "y": [numbers[place]],
        "text": [sentence],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "x-thin", "size": 9, "line": _pen(trace)},
        "visible": trace.get("visible", True),
        "zorder": 2,
        "meta": {**trace["meta"], "broken": True},
        "uid": f"{trace['uid']}-broken",
    }


def _pen(trace: dict[str, Any]) -> dict[str, Any]:
    return {"width": 2, "color": trace["line"]["color"]}


def _finite_places(numbers: Sequence[float | None]) -> Iterator[int]:
    return (index for index, number in enumerate(numbers) if number is not None)
