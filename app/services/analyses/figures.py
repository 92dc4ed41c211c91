"""Plotly figures of analyses, as plain dicts: one a kind, as the paper draws it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.schemas.analyses.read import AnalysisResult, CellRead
from app.services.charts.style import (
    CLEAR,
    DIVERGING,
    FONT,
    HUES,
    INK,
    MARGIN,
    MUTED,
    SEQUENTIAL,
    Figure,
    axis_style,
    head_dash,
    head_hue,
    titled,
)

_ACTS = {
    "only": ("kept alone", "circle", HUES[0]),
    "remove": ("removed", "triangle-up", "#EE6677"),
}
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


def analysis_figure(kind: str, result: AnalysisResult, columns: int = 2) -> Figure:
    """What has been found so far; without traces where that is nothing that can be drawn.
    `columns`: of panels, 1 or 2."""
    if not result.cells:
        return {"data": [], "layout": _layout()}
    if kind == "wiring":
        return _wiring(_latest(result.cells), columns)
    if kind == "ablation_grid":
        cells = _latest(result.cells)
        added = [cell for cell in cells if cell.group == "add_back"]
        return _added(cells, added) if added else _grid(cells)
    return _along(result.cells) if kind == "exhaustive" else _programs(result.cells)


def _latest(cells: Sequence[CellRead]) -> list[CellRead]:
    """Of the last checkpoint."""
    return [cell for cell in cells if cell.checkpoint == cells[-1].checkpoint]


def _layout(**more: object) -> dict[str, Any]:
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


def _trace(name: str, x: Sequence[Any], y: Sequence[Any], **more: object) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "x": list(x),
        "y": list(y),
        "meta": {"is_ink": False},
        "uid": name,
    } | more


def _grid(cells: Sequence[CellRead]) -> Figure:
    """Fig. 4a: accuracy against the strength that each head has in the whole model."""
    strengths = _whole(cells).induction_strength[-1]
    traces = []
    for act, (said, symbol, hue) in _ACTS.items():
        own = [cell for cell in cells if cell.group == act and cell.head is not None]
        traces.append(
            _trace(
                said,
                [strengths[cell.head or 0] for cell in own],
                [cell.accuracy for cell in own],
                mode="markers+text",
                text=[str(cell.head) for cell in own],
                textposition="top center",
                textfont={"size": 10, "color": MUTED},
                marker={"symbol": symbol, "size": 9, "color": hue},
                hovertemplate="head %{text} " + said + ": %{y:.4f}<extra></extra>",
            )
        )
    layout = _layout(
        xaxis=titled(axis_style(), "induction strength in the whole model (−1 to 1)"),
        yaxis=titled(axis_style(), "accuracy over all sequences"),
        shapes=[_level(_whole(cells).accuracy)],
        annotations=[_named("no ablation", _whole(cells).accuracy)],
    )
    return {"data": traces, "layout": layout}


def _added(cells: Sequence[CellRead], added: Sequence[CellRead]) -> Figure:
    """Fig. 14: loss against how many heads are active, the strongest first."""
    counts = range(1, len(added) + 1)
    trace = _trace(
        "the strongest heads",
        list(counts),
        [cell.loss for cell in added],
        mode="lines+markers+text",
        text=[f"+{cell.head}" for cell in added],
        textposition="top center",
        textfont={"size": 10, "color": MUTED},
        line={"color": HUES[0], "width": 2},
        hovertemplate="%{x} heads: %{y:.4f} nats<extra></extra>",
        showlegend=False,
    )
    whole = _whole(cells).loss
    layout = _layout(
        xaxis=titled(axis_style(), "heads active, the strongest first (number added)", dtick=1),
        yaxis=titled(axis_style(), "loss over all sequences (nats)", rangemode="tozero"),
        shapes=[_level(whole)],
        annotations=[_named("all heads", whole)],
    )
    return {"data": [trace], "layout": layout}


def _along(cells: Sequence[CellRead]) -> Figure:
    """Fig. 3b: induction strengths of the last layer along the training."""
    heads = range(len(cells[0].induction_strength[-1]))
    traces = [
        _trace(
            f"head {head}",
            [cell.checkpoint for cell in cells],
            [cell.induction_strength[-1][head] for cell in cells],
            mode="lines+markers",
            line={"color": head_hue(head), "dash": head_dash(head), "width": 1.6},
            marker={"size": 5},
            hovertemplate=f"head {head}: " + "%{y:.4f}<extra></extra>",
        )
        for head in heads
    ]
    layout = _layout(
        hovermode="x unified",
        xaxis=titled(axis_style(), "sequences seen"),
        yaxis=titled(axis_style(), "induction strength, last layer (−1 to 1)"),
    )
    return {"data": traces, "layout": layout}


def _programs(cells: Sequence[CellRead]) -> Figure:
    """Figs. 10, 16: loss of the model under each program, along the training."""
    names = list(dict.fromkeys(cell.name for cell in cells))
    traces = [
        _trace(
            name,
            [cell.checkpoint for cell in cells if cell.name == name],
            [cell.loss for cell in cells if cell.name == name],
            mode="lines+markers",
            line={"color": head_hue(number), "dash": head_dash(number), "width": 1.6},
            marker={"size": 6},
            hovertemplate="%{y:.4f} nats<extra>" + name.replace("<", "&lt;") + "</extra>",
        )
        for number, name in enumerate(names)
    ]
    layout = _layout(
        xaxis=titled(axis_style(), "sequences seen"),
        yaxis=titled(axis_style(), "loss over all sequences (nats)", rangemode="tozero"),
    )
    return {"data": traces, "layout": layout}


def _wiring(cells: Sequence[CellRead], columns: int) -> Figure:
    """Fig. 11: accuracy lost by removing a head of the earlier layer, and left by keeping it alone,
    for each head of the later one that is kept alone."""
    base = {cell.head: cell.accuracy for cell in cells if cell.group == "base"}
    heads = len(base)
    layout = _layout(showlegend=False, margin={"l": 46, "r": 18, "t": 34, "b": 42})
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
        layout |= _panel(suffix, place, heads)
        layout["annotations"].append(_title(title, place))
    return {"data": traces, "layout": layout}


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


def _whole(cells: Sequence[CellRead]) -> CellRead:
    """The model without any ablation, or whatever comes first."""
    return next((cell for cell in cells if cell.group == "none"), cells[0])


def _level(y: float) -> dict[str, Any]:
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


def _named(text: str, y: float) -> dict[str, Any]:
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
