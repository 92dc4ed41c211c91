"""Fig. 16 and Table 1 of an analysis: heads with a perfect match, and sets of heads removed."""

from collections.abc import Sequence
from typing import Any

from app.schemas.analyses.read import CellRead
from app.services.analyses.drawing.grids import AXES, STRENGTH
from app.services.analyses.drawing.parts import plain_layout, series, unablated
from app.services.charts.style import HUES, MUTED, SEQUENTIAL, Figure, axis_style, titled

_LEFT, _RIGHT = [0, 0.44], [0.56, 0.93]
_ONE, _TWO = [0.58, 1], [0, 0.4]


def matched_figure(cells: Sequence[CellRead], columns: int) -> Figure:
    """Fig. 16: accuracy of each head against its strength in the whole model, and by label."""
    heads = [cell for cell in cells if cell.group == "matched"]
    is_wide = columns > 1
    places: tuple[Any, Any] = ((_LEFT, [0, 1]), (_RIGHT, [0, 1]))
    if not is_wide:
        places = (([0, 0.9], _ONE), ([0, 0.9], _TWO))
    (x, y), (x2, y2) = places
    layout = plain_layout(
        showlegend=False,
        xaxis=titled(axis_style() | {"domain": x}, STRENGTH),
        yaxis=titled(axis_style() | {"domain": y}, AXES["accuracy"]),
        xaxis2=titled(axis_style() | {"domain": x2, "anchor": "y2"}, "true label", dtick=1),
        yaxis2=titled(axis_style() | {"domain": y2, "anchor": "x2"}, "head", dtick=1)
        | {"autorange": "reversed"},
    )
    return {"data": [_strengths(cells, heads), _by_label(heads, x2, y2)], "layout": layout}


def _strengths(cells: Sequence[CellRead], heads: Sequence[CellRead]) -> dict[str, Any]:
    strengths = unablated(cells).induction_strength[-1]
    return series(
        "match perfect",
        [strengths[cell.head or 0] for cell in heads],
        [cell.accuracy for cell in heads],
        mode="markers+text",
        text=[str(cell.head) for cell in heads],
        textposition="top center",
        textfont={"size": 10, "color": MUTED},
        marker={"symbol": "square", "size": 9, "color": HUES[0]},
        hovertemplate="head %{text}: %{y:.4f}<extra></extra>",
    )


def _by_label(heads: Sequence[CellRead], x: list[float], y: list[float]) -> dict[str, Any]:
    hues = SEQUENTIAL
    return {
        "type": "heatmap",
        "name": "accuracy by label",
        "x": [int(row["label"]) for row in heads[0].by_label or []] if heads else [],
        "y": [cell.head for cell in heads],
        "z": [[row["accuracy"] for row in cell.by_label or []] for cell in heads],
        "xaxis": "x2",
        "yaxis": "y2",
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[index / (len(hues) - 1), hue] for index, hue in enumerate(hues)],
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "x": x[1] + 0.005,
            "len": y[1] - y[0],
            "y": (y[0] + y[1]) / 2,
            "tickfont": {"size": 10, "color": MUTED},
            "title": {"text": "accuracy", "side": "right"},
        },
        "hovertemplate": "head %{y}, label %{x}: %{z:.4f}<extra></extra>",
        "meta": {"is_ink": False},
        "uid": "by-label",
    }


def sets_figure(cells: Sequence[CellRead]) -> Figure:
    """Table 1 as bars: accuracy without the heads that look back, and without the others."""
    traces = []
    for number, way in enumerate(("patterns", "values")):
        own = [cell for cell in cells if cell.group.endswith(way)]
        names = [cell.name.removesuffix(f", {way} preserved") for cell in own]
        traces.append(
            series(
                f"{way} preserved",
                names,
                [cell.accuracy for cell in own],
                type="bar",
                marker={"color": HUES[number]},
                text=[f"{cell.accuracy:.4f}" for cell in own],
                hovertemplate="%{x}: %{y:.5f}<extra>" + f"{way} preserved</extra>",
            )
        )
    layout = plain_layout(
        xaxis=axis_style() | {"title": {"text": "silent heads of layer 1"}},
        yaxis=titled(axis_style(), AXES["accuracy"], range=[0, 1.05]),
    )
    return {"data": traces, "layout": layout}
