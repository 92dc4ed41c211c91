"""The Plotly figure of a figure of the paper: our curves, the published points over them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from app.schemas.paper.figure import PAPER, PaperFigure, PaperLine, PaperPanel
from app.schemas.paper.rules import LEVELS, Curves, MeasuredCurve
from app.services.charts.overlay import hues_along
from app.services.charts.style import (
    CLEAR,
    DASHES,
    FONT,
    HUES,
    INK,
    MUTED,
    Figure,
    axis_style,
    titled,
)
from app.services.series.thinning import thin

PANEL_HEIGHT, ROOM, ALONE_HEIGHT = 210, 64, 420  # pixels
MOST_POINTS = 12_000
GAP = 0.05  # between columns, of the width


_NOTHING = MeasuredCurve([], [], is_whole=False)


class LineInk(NamedTuple):
    """How a curve is drawn."""

    hue: str
    dash: str


def paper_drawing(figure: PaperFigure, curves: Curves, columns: int = 1) -> Figure:
    """All panels, beside and below each other; `columns`: at most so many."""
    panels = figure.panels
    columns = min(columns, len(panels)) or 1
    rows = math.ceil(len(panels) / columns)
    height = ALONE_HEIGHT if len(panels) == 1 else rows * (PANEL_HEIGHT + ROOM) + 40
    traces: list[dict[str, Any]] = []
    layout = _layout(height)
    for number, panel in enumerate(panels):
        suffix = "" if number == 0 else str(number + 1)
        traces += _panel_traces(panel, suffix, curves, _inks(panel))
        layout |= _axes(panel, suffix, _domain(number, columns, rows, height), curves)
        layout["annotations"] += _title(panel, suffix)
        layout["shapes"].append(_guessing(suffix))
    return {"data": _with_legend(traces, panels), "layout": layout}


def _inks(panel: PaperPanel) -> list[LineInk]:
    """Of many lines, hues from cold to warm; of few, hues that are easy to tell apart."""
    count = len(panel.lines)
    if count > 2 * len(HUES) - 2:
        return [LineInk(hue, "solid") for hue in hues_along(count)]
    first = LineInk(INK, "dash")
    own = [LineInk(HUES[n % len(HUES)], DASHES[n // len(HUES)]) for n in range(count)]
    return [first, *own[: count - 1]] if panel.lines[0].label == "all heads" else own


def _panel_traces(
    panel: PaperPanel, suffix: str, curves: Curves, inks: Sequence[LineInk]
) -> Iterator[dict[str, Any]]:
    for line, ink in zip(panel.lines, inks, strict=True):
        curve = curves.get(line.label, _NOTHING)
        yield _ours(line, curve, ink, suffix, max(1, len(curves)), panel.until)
        if line.published.points or line.published.crossings:
            yield _published(line, ink, suffix, panel.until)


def _ours(
    line: PaperLine, curve: MeasuredCurve, ink: LineInk, suffix: str, count: int, until: int
) -> dict[str, Any]:
    shown = sum(place <= until for place in curve.sequences)
    kept, _ = thin(curve.sequences[:shown], [curve.numbers[:shown]], MOST_POINTS // count)
    places: list[int | None] = [curve.sequences[index] for index in kept]
    return _trace(line.label, suffix, ink) | {
        "mode": "lines",
        # One without a place, where there is nothing yet: a legend leaves out what has no points.
        "x": places or [None],
        "y": [_finite(curve.numbers[index]) for index in kept] or [None],
        "line": {"color": ink.hue, "dash": ink.dash, "width": 1.6},
        "hovertemplate": "%{y:.3f} nats at %{x:,d}<extra>" + line.label + "</extra>",
        "uid": f"ours{suffix}-{line.label}",
    }


def _published(line: PaperLine, ink: LineInk, suffix: str, until: int) -> dict[str, Any]:
    known = [*line.published.points]
    known += [(place, LEVELS[level]) for level, place in line.published.crossings.items()]
    points = sorted(point for point in known if point[0] <= until)
    return _trace(PAPER, suffix, ink) | {
        "mode": "markers",
        "x": [place for place, _ in points],
        "y": [loss for _, loss in points],
        "marker": {"symbol": "circle-open", "size": 7, "color": ink.hue, "line": {"width": 1.5}},
        "hovertemplate": f"{PAPER}: " + "%{y:.3f} nats at %{x:,d}<extra>" + line.label + "</extra>",
        "uid": f"paper{suffix}-{line.label}",
    }


def _trace(name: str, suffix: str, ink: LineInk) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "showlegend": False,
        "meta": {"is_ink": ink.hue == INK},
    }


def _with_legend(
    traces: list[dict[str, Any]], panels: Sequence[PaperPanel]
) -> list[dict[str, Any]]:
    """Names in the legend: of all curves where they are few, and once of the published points."""
    is_named = len(panels) == 1
    for trace in traces:
        trace["showlegend"] = is_named and trace["name"] != PAPER
    if first := next((one for one in traces if one["name"] == PAPER), None):
        first["showlegend"] = True
    return traces


def _layout(height: int) -> dict[str, Any]:
    return {
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 11, "color": INK},
        "margin": {"l": 46, "r": 18, "t": 30, "b": 42},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.03, "yanchor": "bottom"},
        "hovermode": "closest",
        "shapes": [],
        "annotations": [],
        "meta": {"height": height},
    }


def _domain(number: int, columns: int, rows: int, height: int) -> tuple[list[float], list[float]]:
    """Left and right, bottom and top of a panel, as shares of the figure."""
    column, row = number % columns, number // columns
    wide = (1 - GAP * (columns - 1)) / columns
    between = ROOM / height
    tall = (1 - between * (rows - 1)) / rows
    left, top = column * (wide + GAP), 1 - row * (tall + between)
    return [left, min(1.0, left + wide)], [max(0.0, top - tall), top]


def _axes(
    panel: PaperPanel, suffix: str, domain: tuple[list[float], list[float]], curves: Curves
) -> dict[str, Any]:
    across, along = domain
    style = axis_style()
    x = style | {"domain": across, "anchor": f"y{suffix}", "range": [0, panel.until]}
    y = style | {"domain": along, "anchor": f"x{suffix}", "range": [0, _highest(panel, curves)]}
    return {
        f"xaxis{suffix}": titled(x, "sequences seen", tickformat="~s", nticks=6),
        f"yaxis{suffix}": titled(y, "loss (nats)"),
    }


def _highest(panel: PaperPanel, curves: Curves) -> float:
    ours = [max(map(_or_zero, c.numbers)) for line in panel.lines if (c := curves.get(line.label))]
    points = [loss for line in panel.lines for _, loss in line.published.points]
    return round(1.06 * min(max([1.0, *ours, *points]), 4.0), 3)


def _or_zero(number: float) -> float:
    return number if math.isfinite(number) else 0.0


def _finite(number: float) -> float | None:
    return float(f"{number:.7g}") if math.isfinite(number) else None


def _title(panel: PaperPanel, suffix: str) -> list[dict[str, Any]]:
    if not panel.title:
        return []
    return [
        {
            "name": "panel",
            "text": panel.title,
            "xref": f"x{suffix} domain",
            "yref": f"y{suffix} domain",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": 11, "color": INK},
        }
    ]


def _guessing(suffix: str) -> dict[str, Any]:
    """ln 2: guessing between the two labels of the context."""
    return {
        "type": "line",
        "name": "guessing",
        "layer": "below",
        "xref": f"x{suffix} domain",
        "yref": f"y{suffix}",
        "x0": 0,
        "x1": 1,
        "y0": math.log(2),
        "y1": math.log(2),
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
