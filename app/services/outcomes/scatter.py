"""Two quantities of many runs against each other: every run a dot, medians of equal settings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.services.charts.style import INK, Figure
from app.services.outcomes.axes import (
    figure_of,
    plain,
    quantity_axis,
    reach,
    read_back,
    value_said,
    written,
)
from app.services.outcomes.quantities import Quantity
from app.services.wording import cut

MANY = 60  # runs, of which more are drawn smaller
MOST_KEYS, LONGEST_KEY = 16, 60  # runs that a legend has room for, characters of a name
SPREAD, BAR = 0.36, 0.27  # of words: how far dots of one lie apart, and half a median's line
NUMBER_SPREAD, NUMBER_BAR = 0.02, 0.03  # the same of numbers, in shares of the axis


@dataclass(frozen=True)
class DrawnRun:
    """A run as figures name and colour it."""

    id: str
    name: str
    hue: str


def together(runs: int) -> Quantity:
    """What all runs have in common: to see how they are spread."""
    title, text = "All runs together", "all runs"
    return Quantity("all", title, "", is_setting=True, values=[text] * runs, order=(text,))


def scatter_figure(x: Quantity, y: Quantity, runs: Sequence[DrawnRun]) -> Figure:
    """Dots of all runs that have both; of runs in the same place beside each other."""
    both = [
        place
        for place, pair in enumerate(zip(x.numbers, y.numbers, strict=True))
        if None not in pair
    ]
    margin = {"l": 52, "r": 18, "t": 10, "b": 46}
    axes = {"xaxis": quantity_axis(x) | _of_all(x), "yaxis": quantity_axis(y)}
    traces = [_dots(x, y, runs, both), *_medians(x, y, both), *run_keys(runs)]
    alt = f"{y.title} against {x.title}, a dot for each of {len(both)} runs"
    return figure_of(traces, margin=margin, meta={"height": None, "alt": alt}, **axes)


def run_keys(runs: Sequence[DrawnRun]) -> list[dict[str, Any]]:
    """Entries of a legend, which the page has beside its curves and a picture does not; none if
    they are too many."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": plain(cut(run.name, LONGEST_KEY)),
            "x": [None],
            "y": [None],
            "marker": {"color": run.hue, "size": 9},
            "hoverinfo": "skip",
            "meta": {},
            "uid": f"key-{run.id}",
        }
        for run in runs
        if len(runs) <= MOST_KEYS
    ]


def _of_all(x: Quantity) -> dict[str, Any]:
    """Of all runs together the dots say it; a tick would say it again."""
    return {"tickvals": []} if len(x.order) == 1 else {}


def _dots(
    x: Quantity, y: Quantity, runs: Sequence[DrawnRun], both: Sequence[int]
) -> dict[str, Any]:
    many = len(runs) > MANY
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "runs",
        "x": _apart(x, both),
        "y": [y.numbers[place] for place in both],
        "text": [_said(x, y, runs[place], place) for place in both],
        "customdata": [runs[place].id for place in both],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": 6 if many else 9,
            "opacity": 0.85,
            "color": [runs[place].hue for place in both],
        },
        "showlegend": False,
        "meta": {},
        "uid": "runs",
    }


def _said(x: Quantity, y: Quantity, run: DrawnRun, place: int) -> str:
    values = [
        plain(f"{one.title}: {value_said(one, one.values[place])}")
        for one in (x, y)
        if len(one.order) != 1
    ]
    return "<br>".join([f"<b>{plain(run.name)}</b>", *values])


def _apart(x: Quantity, both: Sequence[int]) -> list[float]:
    """Where dots lie: those of one value beside each other, in the same way each time."""
    low, high = reach(x)
    width = SPREAD if x.order else NUMBER_SPREAD * (high - low)
    numbers = [number for number in x.numbers if number is not None]
    found, before = [], defaultdict[float, int](int)
    for place in both:
        number = x.numbers[place]
        assert number is not None, "only runs that have both are drawn"
        is_alone = numbers.count(number) == 1
        aside = 0.0 if is_alone else width * 2 * (_scattered(before[number]) - 0.5)
        before[number] += 1
        found.append(read_back(x, written(x, number) + aside) if aside else number)
    return found


def _scattered(number: int) -> float:
    """Numbers from 0 to 1 that keep apart: 1/2, 1/4, 3/4, 1/8, ... (van der Corput)."""
    found, share, rest = 0.0, 0.5, number + 1
    while rest:
        found += share * (rest & 1)
        rest, share = rest >> 1, share / 2
    return found


def _medians(x: Quantity, y: Quantity, both: Sequence[int]) -> list[dict[str, Any]]:
    """A line at the median of every value of a setting that several runs share."""
    if not (x.is_setting or x.order) or y.order:
        return []
    groups = defaultdict[float, list[float]](list)
    for place in both:
        groups[x.numbers[place] or 0.0].append(y.numbers[place] or 0.0)
    low, high = reach(x)
    half = BAR if x.order else NUMBER_BAR * (high - low)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for number, found in sorted(groups.items()):
        if len(found) > 1:
            at = written(x, number)
            xs += [read_back(x, at - half), read_back(x, at + half), None]
            ys += [median(found), median(found), None]
    return [_line(xs, ys)] if xs else []


def _line(xs: Sequence[float | None], ys: Sequence[float | None]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "medians",
        "x": xs,
        "y": ys,
        "line": {"color": INK, "width": 2},
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"is_ink": True},
        "uid": "medians",
    }
