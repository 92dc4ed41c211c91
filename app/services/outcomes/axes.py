"""Axes of settings and outcomes, and their values in words: scatter and lines share these."""

import math
from html import escape
from typing import Any

from app.schemas.words import decimal, grouped, in_words
from app.services.charts.style import CARD, CLEAR, FONT, GRID, INK, Figure, axis_style, titled
from app.services.outcomes.outcomes import SEQUENCES
from app.services.outcomes.quantities import Quantity, Value
from app.services.wording import cut, fixed, nats, short

LONGEST_LABEL, MOST_LABELS, MOST_TICKS = 28, 24, 8
MARGIN = 0.06  # of an axis beyond its numbers, in shares of what they span


def value_said(one: Quantity, value: Value) -> str:
    """A value with its unit, as people read it."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return in_words(value)
    if one.unit == SEQUENCES:
        return f"{grouped(value)} {one.unit}"
    if one.unit == "nats":
        return f"{nats(value)} {one.unit}"
    return f"{decimal(value)} {one.unit}".rstrip() if one.is_setting else fixed(value)


def value_short(one: Quantity, value: float) -> str:
    """The same as short as a label of an axis, without its unit."""
    if one.order:
        return label(one.order[round(value)])
    if one.unit == SEQUENCES:
        return short(value)
    if one.unit == "nats":
        return nats(value)
    return decimal(value) if one.is_setting else fixed(value)


def label(text: str) -> str:
    """Words of an axis, in one line, as Plotly draws them and no markup."""
    return plain(cut(in_words(text), LONGEST_LABEL))


def plain(text: str) -> str:
    """Text that Plotly takes for no markup."""
    return escape(text, quote=False)


def quantity_axis(one: Quantity) -> dict[str, Any]:
    """The axis that shows it: places for words, else numbers, on a log scale where settings are
    spaced so."""
    axis = titled(axis_style(), plain(one.axis_title)) | {"automargin": True}
    return axis | (_of_words(one) if one.order else _of_numbers(one))


def _of_words(one: Quantity) -> dict[str, Any]:
    every = math.ceil(len(one.order) / MOST_LABELS)
    places = list(range(0, len(one.order), every))
    return {
        "type": "linear",
        "range": [-0.6, len(one.order) - 0.4],
        "tickvals": places,
        "ticktext": [label(one.order[place]) for place in places],
        "showgrid": False,
    }


def _of_numbers(one: Quantity) -> dict[str, Any]:
    low, high = reach(one)
    log = {"type": "log", "dtick": "D2" if high - low < 1.5 else 1} if one.is_log else {}
    form = "~s" if one.unit == SEQUENCES else "~g"
    axis = {"type": "linear", "range": [low, high], "tickformat": form, "nticks": 7}
    return axis | log | _ticks_of_settings(one)


def _ticks_of_settings(one: Quantity) -> dict[str, Any]:
    """Where there are a few settings: exactly these."""
    values = sorted(set(one.known))
    if not one.is_setting or len(values) > MOST_TICKS:
        return {}
    return {"tickvals": values, "ticktext": [value_short(one, value) for value in values]}


def reach(one: Quantity) -> tuple[float, float]:
    """From where to where its axis goes; of a log axis in powers of ten."""
    numbers = [written(one, number) for number in one.known] or [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    margin = MARGIN * (high - low) or abs(low) / 10 or 1.0
    return low - margin, high + margin


def written(one: Quantity, number: float) -> float:
    """A number as its axis counts."""
    return math.log10(number) if one.is_log else number


def read_back(one: Quantity, place: float) -> float:
    """A place of the axis as a number."""
    return float(10**place) if one.is_log else place


def figure_of(data: list[dict[str, Any]], **layout: object) -> Figure:
    """A figure in the style of all others."""
    return {
        "data": data,
        "layout": {
            "font": {"family": FONT, "size": 11, "color": INK},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "hoverlabel": {
                "bgcolor": CARD,
                "bordercolor": GRID,
                "font": {"size": 11, "color": INK},
            },
            "hovermode": "closest",
            "showlegend": False,
            "shapes": [],
            "annotations": [],
        }
        | layout,
    }
