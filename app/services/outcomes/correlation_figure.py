"""The table of rank correlations as a figure, for pictures and reports."""

import textwrap
from typing import Any

from app.services.charts.style import DIVERGING, INK, MUTED, Figure
from app.services.outcomes.axes import figure_of, plain
from app.services.outcomes.correlation_table import CorrelationCell, CorrelationTable

CELL, ROW, NAMES, HEAD, FOOT = 78, 38, 190, 70, 14  # pixels; of rows' names, and above and below
LONGEST_LINE = 12  # characters of a column's title


def correlation_figure(table: CorrelationTable) -> Figure:
    """A cell a pair in one scale of colours from -1 to 1, with how many runs it is of."""
    rows, columns = len(table.rows), len(table.columns)
    bare = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True}
    font = {"size": 11, "color": MUTED}
    titles = ["<br>".join(textwrap.wrap(plain(one), LONGEST_LINE)) for one in table.columns]
    across = bare | _named(titles) | {"side": "top", "range": [-0.5, columns - 0.5]}
    down = bare | _named([plain(one.title) for one in table.rows]) | {"range": [rows - 0.5, -0.5]}
    return figure_of(
        [_picture(table)],
        margin={"l": NAMES, "r": 14, "t": HEAD, "b": FOOT},
        xaxis=across | {"tickfont": font, "tickangle": 0},
        yaxis=down | {"tickfont": {"size": 11, "color": INK}},
        meta={"height": HEAD + FOOT + ROW * max(1, rows), "width": NAMES + 14 + CELL * columns},
    )


def _named(names: list[str]) -> dict[str, Any]:
    return {"tickvals": list(range(len(names))), "ticktext": names}


def _picture(table: CorrelationTable) -> dict[str, Any]:
    cells = [row.cells for row in table.rows]
    return {
        "type": "heatmap",
        "z": [[_shade(one) for one in row] for row in cells],
        "text": [["" if one is None else _text(one) for one in row] for row in cells],
        "texttemplate": "%{text}",
        "textfont": {"size": 12},  # without it Plotly makes text smaller that it thinks too wide
        "customdata": [["" if one is None else plain(one.said) for one in row] for row in cells],
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "zmin": -1,
        "zmax": 1,
        "zsmooth": False,
        "xgap": 2,
        "ygap": 2,
        "colorscale": [[step / (len(DIVERGING) - 1), hue] for step, hue in enumerate(DIVERGING)],
        "showscale": False,
        "meta": {},
        "uid": "correlations",
    }


def _shade(cell: CorrelationCell | None) -> float | None:
    """The correlation, paler where it is of few runs."""
    if cell is None:
        return None
    share = cell.share / (300 if cell.is_little else 100)
    return -share if cell.is_negative else share


def _text(cell: CorrelationCell) -> str:
    text = f"<i>{cell.text}</i>" if cell.is_little else cell.text
    bold = f"<b>{text}</b>" if cell.is_told_apart else text
    return f'{bold}<br><span style="font-size: 9px">n {cell.runs}</span>'
