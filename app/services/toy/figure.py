"""The figure of the toy model: loss and both progress measures, as Figs. 5a and 9 have them."""

from collections.abc import Sequence
from typing import Any

from app.services.charts.style import (
    CLEAR,
    FONT,
    HUES,
    INK,
    MARK,
    Figure,
    axis_style,
    titled,
)
from app.toy.dynamics import ToyCurve
from app.toy.published import PUBLISHED
from app.toy.settings import ToySettings

MOST_POINTS = 800  # of a curve; longer ones are thinned, evenly
_PANELS = (
    ("loss", "loss L", (0.5, 1.0), (0.0, 1.0)),
    ("pm1", "PM1 = 1 − cos²(a, a*)", (0.0, 0.36), (0.0, 0.45)),
    ("pm2", "PM2: L with true b, c", (0.0, 0.36), (0.55, 1.0)),
)
# As in Fig. 5a: black, blue, purple for none, c, and b and c.
_OWN = {"none": INK, "c": HUES[0], "b,c": HUES[5]}


def toy_figure(settings: ToySettings, found: Sequence[ToyCurve]) -> Figure:
    """All trainings; with the paper's numbers as rings where the settings are the paper's."""
    traces: list[dict[str, Any]] = []
    is_papers = settings == ToySettings()
    for number, curve in enumerate(found):
        hue = _OWN.get(curve.name, HUES[(number + 1) % len(HUES)])
        for panel, (series, *_) in enumerate(_PANELS):
            axes = _axes(panel)
            traces.append(_line(curve, series, hue, axes))
            if is_papers and curve.name in PUBLISHED[series]:
                traces.append(_rings(curve.name, series, hue, axes))
    return {"data": traces, "layout": _layout(settings)}


def _axes(panel: int) -> dict[str, str]:
    suffix = "" if panel == 0 else str(panel + 1)
    return {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}


def _line(curve: ToyCurve, series: str, hue: str, axes: dict[str, str]) -> dict[str, Any]:
    values: list[float] = getattr(curve, series)
    step = max(1, -(-len(values) // MOST_POINTS))
    places = [*range(0, len(values), step)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _called(curve.name),
        "legendgroup": curve.name,
        "showlegend": series == "loss",
        "x": places,
        "y": [float(f"{values[place]:.6g}") for place in places],
        "line": {"color": hue, "width": 1.8},
        "hovertemplate": "%{y:.4g}<extra>" + _called(curve.name) + "</extra>",
        "meta": {"is_ink": hue == INK},
        "uid": f"{series}-{curve.name}",
        **axes,
    }


def _rings(name: str, series: str, hue: str, axes: dict[str, str]) -> dict[str, Any]:
    points = PUBLISHED[series][name]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "the paper's numbers",
        "legendgroup": "paper",
        "showlegend": series == "loss" and name == "none",
        "x": list(points),
        "y": list(points.values()),
        "marker": {
            "symbol": "circle-open",
            "size": 8,
            "color": MARK if hue == INK else hue,  # ink is swapped in lines only
            "line": {"width": 1.4},
        },
        "hovertemplate": "paper: %{y:.4g}<extra></extra>",
        "meta": {"is_ink": False},
        "uid": f"paper-{series}-{name}",
        **axes,
    }


def _layout(settings: ToySettings) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 11, "color": INK},
        "margin": {"l": 52, "r": 18, "t": 34, "b": 42},
        "hovermode": "x unified",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "shapes": [],
        "annotations": [],
    }
    for panel, (series, title, vertical, horizontal) in enumerate(_PANELS):
        suffix = "" if panel == 0 else str(panel + 1)
        x = axis_style() | {"domain": list(horizontal), "anchor": f"y{suffix}"}
        y = axis_style() | {"domain": list(vertical), "anchor": f"x{suffix}"}
        highest = {"range": [-0.03, 1.03]} if series == "pm1" else {"rangemode": "tozero"}
        whole = [0, settings.updates]
        said = "updates of gradient descent" if panel == 0 else "updates"
        layout[f"xaxis{suffix}"] = titled(x, said, range=whole)
        layout[f"yaxis{suffix}"] = titled(y, title, **highest)
    return layout


def _called(name: str) -> str:
    return "nothing clamped" if name == "none" else f"{name.replace(',', ' and ')} clamped"
