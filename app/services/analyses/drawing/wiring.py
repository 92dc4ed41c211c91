"""Fig. 11 of an analysis: which head of a layer each head of a later one reads."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.schemas.analyses.read import CellRead
from app.services.analyses.drawing.parts import plain_layout
from app.services.charts.style import (
    DIVERGING,
    INK,
    MUTED,
    SEQUENTIAL,
    Figure,
    axis_style,
    titled,
)

_PANELS = (
    ("remove_values", "Removed, values preserved: by keys and queries"),
    ("only_values", "Kept alone, values preserved"),
    ("remove_patterns", "Removed, patterns preserved: by values"),
    ("only_patterns", "Kept alone, patterns preserved"),
)


class PanelPlace(NamedTuple):
    """Left and right, bottom and top of a panel, as shares of the figure."""

    x: tuple[float, float]
    y: tuple[float, float]


def wiring_figure(cells: Sequence[CellRead], columns: int) -> Figure:
    """Fig. 11: accuracy lost by removing a head of the earlier layer, and left by keeping it alone,
    for each head of the later one that is kept alone."""
    base = {cell.head: cell.accuracy for cell in cells if cell.group == "base"}
    heads = len(base)
    drawn = plain_layout(showlegend=False, margin={"l": 46, "r": 18, "t": 34, "b": 42})
    traces, widest = [], _widest(cells, base)
    for number, (group, title) in enumerate(_PANELS):
        own = [cell for cell in cells if cell.group == group]
        suffix = "" if number == 0 else str(number + 1)
        table: list[list[float | None]] = [[None] * heads for _ in range(heads)]
        is_removed = group.startswith("remove")
        for cell in own:
            before = base.get(cell.head, 0.0) if is_removed else 0.0
            table[cell.head or 0][cell.other or 0] = cell.accuracy - before
        place = _place(number, columns)
        if own:  # a picture of nothing has no place for its axes
            traces.append(_picture(title, table, suffix, is_removed, widest, place))
        drawn |= _panel(suffix, place, heads)
        drawn["annotations"].append(_title(title, place))
    return {"data": traces, "layout": drawn}


def _place(number: int, columns: int) -> PanelPlace:
    """Where the panel is, of the whole figure; beside it there is room for its colours."""
    column, row = number % columns, number // columns
    rows = -(-len(_PANELS) // columns)
    between = 0.16 / columns
    height = (1 - (rows - 1) * between) / rows
    left, top = column / columns, 1 - row * (height + between)
    right = left + 1 / columns - (0.14 if columns > 1 else 0.1)
    return PanelPlace((left + 0.01, right), (max(top - height, 0.0), top))


def _widest(cells: Sequence[CellRead], base: dict[int | None, float]) -> float:
    lost = [abs(c.accuracy - base.get(c.head, 0.0)) for c in cells if c.group.startswith("remove")]
    return max([0.01, *lost])


def _picture(
    title: str,
    table: list[list[float | None]],
    suffix: str,
    is_removed: bool,
    widest: float,
    place: PanelPlace,
) -> dict[str, Any]:
    hues = DIVERGING if is_removed else SEQUENTIAL
    low, high = place.y
    return {
        "type": "heatmap",
        "name": title,
        "z": table,
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "zmin": -widest if is_removed else 0,
        "zmax": widest if is_removed else 1,
        "colorscale": [[index / (len(hues) - 1), hue] for index, hue in enumerate(hues)],
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "len": high - low,
            "y": (low + high) / 2,
            "x": place.x[1] + 0.005,
            "tickfont": {"size": 10, "color": MUTED},
            "title": {"text": "change of accuracy" if is_removed else "accuracy", "side": "right"},
        },
        "hovertemplate": "layer 2 head %{y}, layer 1 head %{x}: %{z:.4f}<extra></extra>",
        "meta": {"is_ink": False},
        "uid": f"panel{suffix or 1}",
    }


def _panel(suffix: str, place: PanelPlace, heads: int) -> dict[str, Any]:
    x = axis_style() | {"domain": list(place.x), "anchor": f"y{suffix}"}
    y = axis_style() | {"domain": list(place.y), "anchor": f"x{suffix}"}
    whole, ends = {"dtick": 1, "showgrid": False}, [-0.5, heads - 0.5]
    return {
        f"xaxis{suffix}": titled(x, "head of the earlier layer", range=ends, **whole),
        f"yaxis{suffix}": titled(y, "head of the later", range=ends[::-1], **whole),
    }


def _title(title: str, place: PanelPlace) -> dict[str, Any]:
    return {
        "name": "panel",
        "text": title,
        "xref": "paper",
        "yref": "paper",
        "x": place.x[0],
        "y": place.y[1],
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": INK},
    }
