"""Strengths of all heads against time as a picture: a row for every head."""

from collections.abc import Sequence
from typing import Any

from app.schemas.config import RunConfig
from app.schemas.measure import Measurement
from app.schemas.series import HeadMeasure
from app.schemas.view import Drawing
from app.schemas.words import head_name
from app.services.charts.axes import Axis, plotted
from app.services.charts.style import DIVERGING, SEQUENTIAL, Figure

NAMES_WIDTH, BAR_WIDTH = 92, 62  # pixels beside the picture
_HUES = {"sequential": SEQUENTIAL, "diverging": DIVERGING}


def heatmap(
    measure: HeadMeasure,
    rows: Sequence[Measurement],
    config: RunConfig,
    axis: Axis,
    layout: dict[str, Any],
    shown: int,
) -> Figure:
    """Rows of all layers in one picture; the y range chooses a layer. Its scale never moves."""
    heads = config.model.heads
    layout["margin"] |= {"l": NAMES_WIDTH, "r": BAR_WIDTH}
    layout["hovermode"] = "closest"
    layout["yaxis"] |= {
        "type": "category",
        "range": [(shown + 1) * heads - 0.5, shown * heads - 0.5],  # head 0 at the top
        "title": {**layout["yaxis"]["title"], "text": ""},
        "showgrid": False,
    }
    # A picture hides what lies below it; a band would tint its colours.
    lines = [shape for shape in layout["shapes"] if shape["name"] != "band"]
    layout["shapes"] = [{**shape, "layer": "above"} for shape in lines]
    layout["meta"] |= {"drawing": Drawing.HEATMAP, "scale": measure.scale, "heads": heads}
    colours = colours_of(measure, layout["yaxis"]["tickfont"])
    return {"data": [_picture(measure, rows, config, axis, colours)], "layout": layout}


def _picture(
    measure: HeadMeasure,
    rows: Sequence[Measurement],
    config: RunConfig,
    axis: Axis,
    colours: dict[str, Any],
) -> dict[str, Any]:
    """The trace."""
    layers, heads = config.model.layers, config.model.heads
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    by_row = [getattr(row, measure.id) for row in rows]
    return {
        "type": "heatmap",
        "name": measure.id.replace("_", " "),
        "x": [axis.of(row) for row in rows],
        "y": [head_name(layer, head) for layer, head in places],
        "z": [plotted([strengths[lay][head] for strengths in by_row]) for lay, head in places],
        "zmin": measure.lowest,
        "zmax": measure.highest,
        "zsmooth": False,
        "hoverongaps": False,
        **colours,
        "hovertemplate": "%{y}: %{z:.3f}<extra></extra>",
        "meta": {"metric": measure.id, "places": [list(place) for place in places]},
        "uid": f"{measure.id}-heatmap",
    }


def colours_of(measure: HeadMeasure, font: dict[str, Any]) -> dict[str, Any]:
    """From the smallest number that there can be to the largest, and the bar that says so."""
    hues, least, most = _HUES[measure.scale], measure.lowest, measure.highest
    return {
        "colorscale": [[index / (len(hues) - 1), hue] for index, hue in enumerate(hues)],
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "tickvals": [least, (least + most) / 2, most],
            "tickfont": font,
            "title": {"text": measure.axis_and_zero, "side": "right", "font": font},
        },
    }
