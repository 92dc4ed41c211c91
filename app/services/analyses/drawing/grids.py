"""Figs. 4a, 13 and 14 of an analysis: heads removed, kept alone and added back."""

from collections.abc import Mapping, Sequence
from typing import Literal

from app.schemas.analyses.read import CellRead
from app.services.analyses.drawing.parts import (
    level_line,
    level_name,
    plain_layout,
    series,
    unablated,
)
from app.services.charts.style import HUES, MUTED, Figure, axis_style, titled

Shown = Literal["accuracy", "loss"]
RED = "#EE6677"
AXES: Mapping[Shown, str] = {
    "accuracy": "accuracy over all sequences",
    "loss": "loss over all sequences (nats)",
}
NAMED = 0.05  # of the largest loss
STRENGTH = "induction strength in the whole model (−1 to 1)"
_ACTS = {"only": ("kept alone", "circle", HUES[0]), "remove": ("removed", "triangle-up", RED)}
_ORDERS = {
    "add_back": ("the strongest first", HUES[0]),
    "add_back_rest": ("without the strongest", RED),
}


def grid_figure(cells: Sequence[CellRead], shown: Shown) -> Figure:
    """Fig. 4a: accuracy against the strength that each head has in the whole model; Fig. 13: the
    loss."""
    strengths, all_heads = unablated(cells).induction_strength[-1], getattr(unablated(cells), shown)
    traces = []
    for act, (said, symbol, hue) in _ACTS.items():
        own = [cell for cell in cells if cell.group == act and cell.head is not None]
        traces.append(
            series(
                said,
                [strengths[cell.head or 0] for cell in own],
                [getattr(cell, shown) for cell in own],
                mode="markers+text",
                text=[str(cell.head) for cell in own],
                textposition="top center",
                textfont={"size": 10, "color": MUTED},
                marker={"symbol": symbol, "size": 9, "color": hue},
                hovertemplate="head %{text} " + said + ": %{y:.4f}<extra></extra>",
            )
        )
    layout = plain_layout(
        xaxis=titled(axis_style(), STRENGTH),
        yaxis=titled(axis_style(), AXES[shown]),
        shapes=[level_line(all_heads)],
        annotations=[level_name("no ablation", all_heads)],
    )
    return {"data": traces, "layout": layout}


def added_figure(cells: Sequence[CellRead]) -> Figure:
    """Fig. 14: loss against how many heads are active, in an order, with and without its first."""
    traces = []
    # Names of points at the foot of the picture would lie over each other; they are in the hover.
    least = NAMED * max((cell.loss for cell in cells if cell.group in _ORDERS), default=0)
    for group, (said, hue) in _ORDERS.items():
        own = [cell for cell in cells if cell.group == group]
        traces.append(
            series(
                said,
                list(range(1, len(own) + 1)),
                [cell.loss for cell in own],
                mode="lines+markers+text",
                text=[f"+{cell.head}" if cell.loss > least else "" for cell in own],
                customdata=[cell.head for cell in own],
                textposition="top center",
                textfont={"size": 10, "color": MUTED},
                line={"color": hue, "width": 2},
                hovertemplate="%{x} heads, head %{customdata} added: %{y:.4f} nats<extra>"
                + said
                + "</extra>",
            )
        )
    loss = unablated(cells).loss
    layout = plain_layout(
        xaxis=titled(axis_style(), "heads active (number added)", dtick=1),
        yaxis=titled(axis_style(), AXES["loss"], rangemode="tozero"),
        shapes=[level_line(loss)],
        annotations=[level_name("all heads", loss)],
    )
    return {"data": [one for one in traces if one["x"]], "layout": layout}
