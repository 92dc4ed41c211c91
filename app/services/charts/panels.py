"""Small multiples of a study: a chart for every group, all with the same axes.

The layout's `meta` gives the height that they need, and says what is left out.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from app.schemas.words import grouped
from app.services.charts.overlay import (
    StudyCurves,
    base_layout,
    group_traces,
    guessing_lines,
    ink_of,
    x_axis,
    y_axis,
)
from app.services.charts.style import INK, Figure

PANEL_HEIGHT, HEAD_HEIGHT, FOOT_HEIGHT = 150, 26, 46  # pixels
GAPS = 0.12  # between all columns, in shares of the width: numbers below two of them stand apart
MOST_PANELS = 100


def panels_figure(shown: StudyCurves, columns: int) -> Figure:
    """A small chart for every group."""
    left_out = len(shown.groups) - MOST_PANELS
    shown = replace(shown, groups=shown.groups[:MOST_PANELS])
    count = max(1, len(shown.groups))
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    height = rows * (PANEL_HEIGHT + HEAD_HEIGHT) + FOOT_HEIGHT
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    names = ["" if number == 0 else str(number + 1) for number in range(count)]
    for number, group in enumerate(shown.groups):
        ink = ink_of(shown.groups, number)
        traces += group_traces(shown, group, replace(ink, dash="solid", axes=names[number]))
    for number, name in enumerate(names):
        axes |= _panel_axes(shown, name, PanelCell(number, columns, rows, height, count))
    layout = base_layout(shown) | {
        "margin": {"l": 56, "r": 18, "t": HEAD_HEIGHT, "b": FOOT_HEIGHT},
        "hovermode": "x unified",
        "shapes": list(guessing_lines(shown, names)),
        "annotations": [panel_title(g.label, names[i]) for i, g in enumerate(shown.groups)],
        **axes,
    }
    layout["meta"]["height"] = height
    if left_out > 0:
        layout["meta"]["note"] = (
            f"{grouped(left_out)} more are left out: group the runs to see all."
        )
    return {"data": traces, "layout": layout}


@dataclass(frozen=True)
class PanelCell:
    """Where a panel is: the `number`th of `count`, in a figure of this height."""

    number: int
    columns: int
    rows: int
    height: int
    count: int
    panel: int = PANEL_HEIGHT
    head: int = HEAD_HEIGHT

    @property
    def across(self) -> list[float]:
        gap = GAPS / self.columns
        width = (1 - gap * (self.columns - 1)) / self.columns
        start = (self.number % self.columns) * (width + gap)
        return [round(start, 5), round(start + width, 5)]

    @property
    def down(self) -> list[float]:
        inner = self.height - self.head - FOOT_HEIGHT
        row = self.number // self.columns
        top = 1 - row * (self.panel + self.head) / inner
        return [round(max(0, top - self.panel / inner), 5), round(top, 5)]

    @property
    def is_left(self) -> bool:
        return self.number % self.columns == 0

    @property
    def is_lowest(self) -> bool:
        return self.number + self.columns >= self.count


def _panel_axes(shown: StudyCurves, name: str, cell: PanelCell) -> dict[str, Any]:
    """Both axes of a panel; all are one when somebody zooms."""
    xaxis = x_axis(shown, titled=cell.is_lowest) | {
        "domain": cell.across,
        "anchor": f"y{name}",
        "nticks": 4,
        "showticklabels": cell.is_lowest,
    }
    yaxis = y_axis(shown, titled=cell.is_left) | {
        "domain": cell.down,
        "anchor": f"x{name}",
        "nticks": 4,
        "showticklabels": cell.is_left,
    }
    if name:
        xaxis["matches"], yaxis["matches"] = "x", "y"
    return {f"xaxis{name}": xaxis, f"yaxis{name}": yaxis}


def panel_title(label: str, axes: str) -> dict[str, Any]:
    """What stands over a small chart, at its left; `axes`: the number of its axes."""
    return {
        "text": label,
        "name": "panel",
        "xref": f"x{axes} domain",
        "yref": f"y{axes} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": INK},
    }
