"""Figs. 3b, 10 and 12 of an analysis: what becomes of a model along its training."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.schemas.analyses.read import CellRead
from app.services.analyses.drawing.parts import plain_layout, series
from app.services.charts.style import Figure, axis_style, head_dash, head_hue, titled

SEQUENCES = "sequences seen"


def strengths_figure(cells: Sequence[CellRead]) -> Figure:
    """Fig. 3b: induction strengths of the last layer."""
    heads = range(len(cells[0].induction_strength[-1]))
    traces = [
        _line(
            head,
            f"head {head}",
            [(cell.checkpoint, cell.induction_strength[-1][head]) for cell in cells],
            "",
        )
        for head in heads
    ]
    layout = plain_layout(
        hovermode="x unified",
        xaxis=titled(axis_style(), SEQUENCES),
        yaxis=titled(axis_style(), "induction strength, last layer (−1 to 1)"),
    )
    return {"data": traces, "layout": layout}


def programs_figure(cells: Sequence[CellRead]) -> Figure:
    """Fig. 10: loss of the model under each program."""
    names = list(dict.fromkeys(cell.name for cell in cells))
    traces = [
        _line(number, name, [(c.checkpoint, c.loss) for c in cells if c.name == name], " nats")
        for number, name in enumerate(names)
    ]
    layout = plain_layout(
        xaxis=titled(axis_style(), SEQUENCES),
        yaxis=titled(axis_style(), "loss over all sequences (nats)", rangemode="tozero"),
    )
    return {"data": traces, "layout": layout}


def ways_figure(cells: Sequence[CellRead]) -> Figure:
    """Fig. 12: loss that is added where a layer's own way to the output is removed."""
    whole = {cell.checkpoint: cell.loss for cell in cells if cell.group == "none"}
    names = list(dict.fromkeys(cell.name for cell in cells if cell.group != "none"))
    traces = [
        _line(
            number,
            name,
            [
                (cell.checkpoint, cell.loss - whole[cell.checkpoint])
                for cell in cells
                if cell.name == name and cell.checkpoint in whole
            ],
            " nats more",
        )
        for number, name in enumerate(names)
    ]
    layout = plain_layout(
        xaxis=titled(axis_style(), SEQUENCES),
        yaxis=titled(axis_style(), "loss added (nats)"),
    )
    return {"data": traces, "layout": layout}


def _line(number: int, name: str, points: Iterable[tuple[int, float]], unit: str) -> dict[str, Any]:
    places, numbers = zip(*points, strict=True) if (points := list(points)) else ((), ())
    return series(
        name,
        places,
        numbers,
        mode="lines+markers",
        line={"color": head_hue(number), "dash": head_dash(number), "width": 1.6},
        marker={"size": 5},
        hovertemplate="%{y:.4f}" + f"{unit}<extra>{name.replace('<', '&lt;')}</extra>",
    )
