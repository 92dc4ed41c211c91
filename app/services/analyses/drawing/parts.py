"""What the figures of analyses have in common, as plain dicts for Plotly."""

from collections.abc import Sequence
from typing import Any

from app.schemas.analyses.read import CellRead
from app.services.charts.style import CLEAR, FONT, INK, MARGIN, MUTED, axis_style


def latest(cells: Sequence[CellRead]) -> list[CellRead]:
    """Those of the last checkpoint."""
    return [cell for cell in cells if cell.checkpoint == cells[-1].checkpoint]


def unablated(cells: Sequence[CellRead]) -> CellRead:
    """The model without any ablation, or whatever comes first."""
    return next((cell for cell in cells if cell.group == "none"), cells[0])


def plain_layout(**more: object) -> dict[str, Any]:
    """A figure of one pair of axes; `more`: what is otherwise."""
    return {
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 11, "color": INK},
        "margin": dict(MARGIN),
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hovermode": "closest",
        "shapes": [],
        "annotations": [],
        "xaxis": axis_style(),
        "yaxis": axis_style(),
    } | more


def series(name: str, x: Sequence[Any], y: Sequence[Any], **more: object) -> dict[str, Any]:
    """Points or a line; `more`: how it is drawn."""
    return {
        "type": "scatter",
        "name": name,
        "x": list(x),
        "y": list(y),
        "meta": {"is_ink": False},
        "uid": name,
    } | more


def level_line(y: float) -> dict[str, Any]:
    """A dashed line across the figure."""
    return {
        "type": "line",
        "name": "level",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": y,
        "y1": y,
        "line": {"width": 1, "dash": "dash", "color": MUTED},
    }


def level_name(text: str, y: float) -> dict[str, Any]:
    """What such a line says."""
    return {
        "name": "level",
        "text": text,
        "xref": "paper",
        "x": 1,
        "y": y,
        "xanchor": "right",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 10, "color": MUTED},
    }
