"""Plotly figures of a run, as plain dicts built from its measurements.

Page, API and downloads show the same figure; the browser only appends points and swaps the
colours of the light theme for those of the dark one. `meta` of a trace says which numbers it holds:
`{"metric": "loss", "evaluator": 0}` or `{"metric": "induction_strength", "layer": 1, "head": 3}`;
`meta` of the layout says what the figure is (`app.services.charts.axes`, `run_figure`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Evaluator, Measurement, Metric
from app.schemas.series import (
    EVALUATED,
    HEADS_BY_KIND,
    MEASURES,
    PANELS,
    HeadMeasure,
    Measure,
)
from app.schemas.view import Drawing, YAxis
from app.schemas.words import head_name
from app.services.charts.axes import USUAL, Axis, Look, axis_of, plotted
from app.services.charts.heatmap import heatmap
from app.services.charts.marks import (
    Landmarks,
    breaks_of,
    guess_of,
    guessing_label,
    guessing_line,
    guessing_said,
    mark_labels,
    mark_shapes,
    restarts_of,
)
from app.services.charts.style import (
    CARD,
    CLEAR,
    FONT,
    GRID,
    INK,
    MARGIN,
    Figure,
    axis_style,
    head_dash,
    head_hue,
    titled,
)

_MEASURES: Mapping[str, Measure] = {one.figure: one for one in (*EVALUATED, *PANELS)}


class FigureName(StrEnum):
    """The figures of a run: a metric of all evaluators, or a strength of all heads."""

    _ignore_ = "_members _name"  # names of this body, which are no figures
    _members = vars()
    for _name in _MEASURES:
        _members[_name.upper()] = _name


STRENGTHS = tuple(FigureName(measure.figure) for measure in PANELS)
EVALUATOR_HUES = {
    Evaluator.TRAIN: INK,
    Evaluator.NEW_LABEL_PAIRS: "#228833",
    Evaluator.NEW_EXEMPLARS: "#AA3377",
    Evaluator.NEW_CLASSES: "#EE8866",
}
ROOM_FOR_GUESSING = 40  # pixels at the right, beside the curves
VISIBLY_BELOW = -0.05  # a strength that asks what negative ones mean
FEW_POINTS = 60  # fewer are drawn with markers, so that a single one is seen


def run_figure(
    name: FigureName,
    measurements: Sequence[Measurement],
    config: RunConfig,
    places: Landmarks,
    look: Look = USUAL,
) -> Figure:
    """The figure called `name`."""
    axis = axis_of(look, measurements, config)
    rows = [row for row in measurements if axis.shows(row)]
    if name not in STRENGTHS:
        figure = _evaluators(Metric(name), rows, config, places, look, axis)
    else:
        figure = _strengths(HEADS_BY_KIND[name], rows, config, places, look, axis)
    figure["layout"]["meta"] |= axis.meta(rows)
    return figure


def _evaluators(
    metric: Metric,
    rows: Sequence[Measurement],
    config: RunConfig,
    places: Landmarks,
    look: Look,
    axis: Axis,
) -> Figure:
    """A line per evaluator, what guessing among the labels in context gives, and the marks."""
    xs, measured = [axis.of(row) for row in rows], [getattr(row, metric) for row in rows]
    traces = [
        {
            **_line(evaluator.replace("_", " "), config),
            "x": xs,
            "y": plotted([numbers[index] for numbers in measured]),
            "line": {
                "color": EVALUATOR_HUES[evaluator],
                "width": 2.4 if evaluator is Evaluator.TRAIN else 1.4,
            },
            "zorder": 1 if evaluator is Evaluator.TRAIN else 0,
            "meta": {"metric": metric, "evaluator": index},
            "uid": f"{metric}-{evaluator}",
        }
        for index, evaluator in enumerate(EVALUATORS)
    ]
    found = breaks_of(traces, rows)
    layout = _layout(MEASURES[metric], config, places, axis)
    layout["annotations"] = list(mark_labels(places, axis))
    layout["yaxis"] |= _height(metric, rows, config, look)
    if (guess := guess_of(metric, config)) is not None:
        layout["shapes"].append(guessing_line(guess))
        layout["annotations"].append(guessing_label(metric, guess, config, look.y))
        layout["margin"]["r"] = ROOM_FOR_GUESSING
    said = guessing_said(metric, config) if guess is not None else []
    layout["meta"]["notes"] = [*said, *found.sentences, *_left_out(traces, look)]
    return {"data": traces + found.traces, "layout": layout}


def _height(
    metric: Metric, rows: Sequence[Measurement], config: RunConfig, look: Look
) -> dict[str, Any]:
    """The y axis: all of a share; of the loss as much as there is."""
    rows = [row for row in rows if look.holds(row.sequences)] or rows
    numbers = [number for row in rows for number in getattr(row, metric) if math.isfinite(number)]
    usual = [1.3 * math.log(config.task.labels) if metric is Metric.LOSS else 1.0]
    if look.y is YAxis.LOG:
        above = [number for number in numbers if number > 0] or usual
        low, high = math.log10(0.8 * min(above)), math.log10(1.25 * max(above))
        ticks = "D1" if high - low < 1 else "D2" if high - low < 2 else 1  # D: digits between, too
        range_ = [round(low, 4), round(high, 4)]
        # With a format of its own every tick is a number; without, those between are bare digits.
        return {"type": "log", "range": range_, "dtick": ticks, "tickformat": "~g"}
    if metric is not Metric.LOSS:
        return {"range": [-0.02, 1.03]}
    top = max(numbers) if look.is_part and numbers else max(usual + numbers)
    return {"range": [0, round(1.05 * top, 6) or 1]}


def _left_out(traces: Sequence[dict[str, Any]], look: Look) -> Iterator[str]:
    """A log axis has no place for 0; what is left out is said."""
    if look.y is YAxis.LOG:
        zeros = sum(number == 0 for trace in traces for number in trace["y"])
        if zeros:
            yield f"{zeros} points at 0 have no place on a log scale"


def _strengths(
    measure: HeadMeasure,
    rows: Sequence[Measurement],
    config: RunConfig,
    places: Landmarks,
    look: Look,
    axis: Axis,
) -> Figure:
    """One strength of every head; the layer that the paper shows is visible, the others hidden."""
    metric, shown = measure.id, measure.shown_layer(config.model.layers)
    layout = _layout(measure, config, places, axis)
    if look.drawing is Drawing.HEATMAP:
        return heatmap(measure, rows, config, axis, layout, shown)
    xs, measured = [axis.of(row) for row in rows], [getattr(row, metric) for row in rows]
    traces = [
        {
            **_line(head_name(layer, head), config),
            "x": xs,
            "y": plotted([strengths[layer][head] for strengths in measured]),
            "line": {"color": head_hue(head), "width": 1.6, "dash": head_dash(head)},
            "visible": layer == shown,
            "meta": {"metric": metric, "layer": layer, "head": head},
            "uid": f"{metric}-{layer}-{head}",
        }
        for layer in range(config.model.layers)
        for head in range(config.model.heads)
    ]
    found = breaks_of(traces, rows)
    numbers = [y for trace in traces for y in trace["y"] if y is not None]
    low, high = min([0, *numbers]), max([measure.highest, *numbers])
    ends = [round(min(-0.15, low) - 0.05, 3), round(high + 0.05, 3)]
    layout["yaxis"] |= {"range": ends, "dtick": 0.5}
    below = [measure.below] if measure.below and low < VISIBLY_BELOW else []
    layout["meta"]["notes"] = [*below, *found.sentences]
    return {"data": traces + found.traces, "layout": layout}


def _line(name: str, config: RunConfig) -> dict[str, Any]:
    points = config.training.total_sequences / config.recording.evaluate_every
    return {
        "type": "scatter",
        "mode": "lines+markers" if points < FEW_POINTS else "lines",
        "marker": {"size": 4},
        "name": name,
        "connectgaps": False,
        "hovertemplate": "%{y:.3f}",
    }


def _layout(measure: Measure, config: RunConfig, places: Landmarks, axis: Axis) -> dict[str, Any]:
    unit = measure.axis_and_zero if isinstance(measure, HeadMeasure) else measure.axis
    style = axis_style()
    y_title = f"{measure.title.lower()} ({unit})" if measure.id == Metric.LOSS else unit
    return {
        "font": {"family": FONT, "size": 11, "color": INK},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": dict(MARGIN),
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": CARD, "bordercolor": GRID, "font": {"size": 11, "color": INK}},
        "showlegend": True,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "uirevision": "run",
        "xaxis": titled(style, axis.title, **axis.layout()),
        "yaxis": titled(style, y_title, fixedrange=True),
        "shapes": list(mark_shapes(places, axis)),
        "annotations": [],
        "meta": {
            "name": measure.figure,
            "title": measure.title,
            "unit": unit,
            "drawing": Drawing.LINES,
            "total": config.training.total_sequences,
            "notes": [],
            "restarts": restarts_of(places),
        },
    }
