"""Plotly figures of studies, as plain dicts: all curves in one chart.

A trace's `meta` holds the number of its group; the layout's `meta` lists the groups, for legends.
`app.services.charts.panels` draws the same as a small chart for every group.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.db.series import Curve
from app.services.charts.curves import DrawnNumber, RunGroup, ends, thinned
from app.services.charts.spread import Stretch, joined, spread
from app.services.charts.style import CARD, CLEAR, DASHES, FONT, GRID, HUES, INK, MUTED, Figure
from app.services.wording import standing

COLD, MIDDLE, WARM = (59, 109, 191), (146, 138, 148), (196, 73, 52)
MOST_COMPARED = 12  # groups in one box under the pointer


@dataclass(frozen=True)
class StudyCurves:
    """What a figure of a study is made from."""

    metric: DrawnNumber
    groups: Sequence[RunGroup]
    curves: Mapping[str, Curve]  # by run
    runs: int
    total_sequences: int
    labels_in_context: int | None  # if it is the same in all runs
    # As `spread` takes them.
    offsets: Mapping[str, float] = field(default_factory=dict)
    seen: tuple[int, int] | None = None

    def of(self, group: RunGroup) -> list[Curve]:
        """The curves of those runs of a group that have one."""
        return [self.curves[run.run_id] for run in group.runs if run.run_id in self.curves]

    def spread_of(self, group: RunGroup) -> list[Stretch]:
        """What the curves of a group have in common; nothing of a run by itself."""
        if len(group.runs) < 2:
            return []
        return spread(self.of(group), self.runs, self.offsets, self.seen)


@dataclass(frozen=True)
class Ink:
    """How a group is drawn."""

    number: int
    label: str
    hue: str
    dash: str
    axes: str  # "", "2", "3": which of the panels


def overlay_figure(shown: StudyCurves) -> Figure:
    """All curves in one chart."""
    traces: list[dict[str, Any]] = []
    for number, group in enumerate(shown.groups):
        traces += group_traces(shown, group, ink_of(shown.groups, number))
    layout = base_layout(shown) | {
        "margin": {"l": 46, "r": 40, "t": 10, "b": 42},
        "hovermode": "x unified" if len(shown.groups) <= MOST_COMPARED else "closest",
        "xaxis": x_axis(shown, titled=True),
        "yaxis": y_axis(shown, titled=True),
        "shapes": list(guessing_lines(shown, [""])),
        "annotations": _guessing_label(shown),
    }
    return {"data": traces, "layout": layout}


def ink_of(groups: Sequence[RunGroup], number: int) -> Ink:
    label, own = groups[number].label, groups[number].hue
    if own is not None:
        before = sum(group.hue == own for group in groups[:number])
        return Ink(number, label, own, DASHES[before % len(DASHES)], "")
    if len(groups) == 1:
        return Ink(number, label, INK, "solid", "")
    if (ramp := _ramp(groups)) is not None:
        return Ink(number, label, ramp[number], "solid", "")
    dash = DASHES[number // len(HUES) % len(DASHES)]
    return Ink(number, label, HUES[number % len(HUES)], dash, "")


def _ramp(groups: Sequence[RunGroup]) -> list[str] | None:
    """Hues from cold to warm for many numbers; None unless the groups are such."""
    try:
        numbers = [float(group.label) for group in groups]
    except ValueError:
        return None
    if len(numbers) <= len(HUES) // 2:
        return None
    places = {number: place for place, number in enumerate(sorted(numbers))}
    return [_blend(places[number] / (len(numbers) - 1)) for number in numbers]


def hues_along(count: int) -> list[str]:
    """Hues from warm to cold for many lines that are in order."""
    return [_blend(1 - place / (count - 1)) for place in range(count)]


def _blend(share: float) -> str:
    """0: cold, 1/2: grey, 1: warm."""
    low, high = (COLD, MIDDLE) if share < 0.5 else (MIDDLE, WARM)
    at = 2 * share if share < 0.5 else 2 * share - 1
    mixed = (round(a + (b - a) * at) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{part:02X}" for part in mixed)


def group_traces(shown: StudyCurves, group: RunGroup, ink: Ink) -> Iterator[dict[str, Any]]:
    """Band, runs and mean of a group; of a single run its curve."""
    found = shown.of(group)
    if len(group.runs) == 1:
        [name] = [run.name for run in group.runs]
        for curve in found:
            yield run_trace(shown, curve, ink, name, alone=True)
        return
    names = {run.run_id: run.name for run in group.runs}
    common = shown.spread_of(group)
    yield _band(common, ink)
    for curve in found:
        yield run_trace(shown, curve, ink, names[curve.run_id], alone=False)
    yield _mean(common, len(group.runs), ink)


def _mean(stretches: Sequence[Stretch], runs: int, ink: Ink) -> dict[str, Any]:
    """The mean, broken off where it is of other runs; `customdata`: of how many it is."""
    points = joined(stretches)
    return {
        **_line(ink, f"mean of {ink.label}"),
        "x": _places(stretches),
        "y": [None if one is None else _rounded(one.mean) for one in points],
        "line": {"color": ink.hue, "dash": ink.dash, "width": 2.4},
        "customdata": [None if one is None else one.count for one in points],
        "hovertemplate": f"%{{y:.3f}} · %{{customdata}} of {runs} runs",
        "zorder": 2,
        "uid": f"mean-{ink.number}",
    }


def _places(stretches: Sequence[Stretch]) -> list[float]:
    """Where points lie, and gaps half-way between two: who looks a place up needs them in order."""
    places: list[float] = []
    for points in stretches:
        places += [(places[-1] + points[0].at) / 2] if places else []
        places += [one.at for one in points]
    return places


def run_trace(
    shown: StudyCurves, curve: Curve, ink: Ink, name: str, *, alone: bool
) -> dict[str, Any]:
    """The curve of one run; beside others of its group it is faint."""
    sequences, numbers = thinned(curve, shown.runs)
    style = {"width": 1.6} if alone else {"width": 0.8}
    return {
        **_line(ink, name),
        "x": sequences,
        "y": [_rounded(number) for number in numbers],
        "line": {"color": ink.hue, "dash": ink.dash, **style},
        "opacity": 1 if alone else 0.45,
        # A legend, where a figure has one, is of groups: their means stand for them.
        **({} if alone else {"hoverinfo": "skip", "showlegend": False}),
        **({"hovertemplate": "%{y:.3f}"} if alone else {}),
        "zorder": 1,
        "uid": curve.run_id,
    }


def _band(stretches: Sequence[Stretch], ink: Ink) -> dict[str, Any]:
    """From the least to the most: an area for every stretch, with a gap before the next."""
    x: list[int | None] = []
    y: list[float | None] = []
    for number, points in enumerate(stretches):
        gap = [None] if number else []
        x += [*gap, *(one.at for one in points), *(one.at for one in reversed(points))]
        y += [*gap, *(_rounded(one.least) for one in points)]
        y += [_rounded(one.most) for one in reversed(points)]
    return {
        **_line(ink, f"range of {ink.label}"),
        "x": x,
        "y": y,
        "fill": "toself",
        "fillcolor": ink.hue,
        "opacity": 0.13,
        "line": {"width": 0, "color": ink.hue},
        "hoverinfo": "skip",
        "showlegend": False,
        "zorder": 0,
        "uid": f"band-{ink.number}",
    }


def _line(ink: Ink, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "connectgaps": False,
        "xaxis": f"x{ink.axes}",
        "yaxis": f"y{ink.axes}",
        "meta": {"group": ink.number, "is_ink": ink.hue == INK},
    }


def _rounded(number: float) -> float | None:
    return float(f"{number:.7g}") if math.isfinite(number) else None


def base_layout(shown: StudyCurves) -> dict[str, Any]:
    inks = [ink_of(shown.groups, number) for number in range(len(shown.groups))]
    return {
        "font": {"family": FONT, "size": 11, "color": INK},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "hoverlabel": {"bgcolor": CARD, "bordercolor": GRID, "font": {"size": 11, "color": INK}},
        "showlegend": False,
        "uirevision": shown.metric.id,
        "meta": {
            "groups": [
                {
                    "label": ink.label,
                    "hue": ink.hue,
                    "dash": ink.dash,
                    "runs": len(group.runs),
                    "behind": _behind(shown, group),
                }
                for ink, group in zip(inks, shown.groups, strict=True)
            ],
            "points": sum(len(curve.sequences) for curve in shown.curves.values()),
            "height": None,  # as the page has it
            "note": "",
        },
    }


def _behind(shown: StudyCurves, group: RunGroup) -> str:
    """How many runs stand behind a group's curves, and how many seeds of initial weights."""
    drawn = [run for run in group.runs if run.run_id in shown.curves]
    return standing(len(drawn), len(group.runs), len({run.seed for run in drawn}))


def _axis() -> dict[str, Any]:
    return {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "tickfont": {"size": 11, "color": MUTED},
    }


def x_axis(shown: StudyCurves, *, titled: bool) -> dict[str, Any]:
    axis = _axis() | {
        "range": [0, shown.total_sequences],
        "tickformat": "~s",
        "hoverformat": ",d",
        "nticks": 7,
    }
    return axis | _title("sequences seen") if titled else axis


def y_axis(shown: StudyCurves, *, titled: bool) -> dict[str, Any]:
    # Of a log axis the ticks between would be bare digits without a format.
    axis = _axis() | {"range": _range(shown), "tickformat": "~g"}
    return axis | _title(shown.metric.unit) if titled else axis


def _title(text: str) -> dict[str, Any]:
    return {"title": {"text": text, "font": {"size": 11, "color": MUTED}, "standoff": 6}}


def _range(shown: StudyCurves) -> list[float]:
    """Losses from 0 to the highest; shares whole; strengths whole and what lies below 0."""
    numbers = [end for curve in shown.curves.values() for end in ends(curve)]
    if shown.metric.is_loss:
        return [0, round(1.05 * max(numbers, default=2.0), 3)]
    return [round(min(0.0, *numbers, 0.0) - 0.02, 3), 1.02]


def guessing_lines(shown: StudyCurves, axes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The loss of guessing among the labels in context, in every panel."""
    if not shown.metric.is_loss or not shown.labels_in_context:
        return
    guess = math.log(shown.labels_in_context)
    for name in axes:
        yield {
            "type": "line",
            "name": "guessing",
            "layer": "below",
            "xref": f"x{name} domain",
            "yref": f"y{name}",
            "x0": 0,
            "x1": 1,
            "y0": guess,
            "y1": guess,
            "line": {"color": MUTED, "width": 1, "dash": "dash"},
        }


def _guessing_label(shown: StudyCurves) -> list[dict[str, Any]]:
    labels = shown.labels_in_context
    if not shown.metric.is_loss or not labels:
        return []
    return [
        {
            "text": f"ln {labels}",
            "hovertext": f"guessing among the {labels} labels in context",
            "name": "guessing",
            "xref": "paper",
            "x": 1,
            "y": math.log(labels),
            "xanchor": "left",
            "yanchor": "middle",
            "xshift": 3,
            "showarrow": False,
            "bgcolor": CARD,
            "opacity": 0.9,
            "font": {"size": 11, "color": MUTED},
        }
    ]
