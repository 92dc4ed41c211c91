"""Plotly figures of a run, as plain dicts built from its measurements.

Page, API and downloads show the same figure; the browser only appends points and swaps the
colours of the light theme for those of the dark one. `meta` says which numbers a trace holds:
`{"metric": "loss", "evaluator": 0}` or `{"metric": "induction_strength", "layer": 1, "head": 3}`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Evaluator, Measurement, PhaseChange
from app.schemas.words import head_name
from app.services.wording import short

Figure = dict[str, Any]


class FigureName(StrEnum):
    """The figures of a run."""

    LOSS = "loss"
    PREVIOUS_TOKEN = "previous_token"
    INDUCTION = "induction"


INK, MUTED, GRID, CARD = "#11161D", "#59626F", "#ECEEF2", "#FFFFFF"
CLEAR = "rgba(0, 0, 0, 0)"
MARK, BAND = "#8A80AB", "rgba(138, 128, 171, 0.11)"
# Colour-blind safe (Tol bright and kin); a head has its hue in every view.
HUES = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#EE8866", "#777777")
DASHES = ("solid", "dash", "dot", "dashdot")  # heads 8 to 15 repeat the hues dashed, and so on
EVALUATOR_HUES = {
    Evaluator.TRAIN: INK,
    Evaluator.NEW_LABEL_PAIRS: "#228833",
    Evaluator.NEW_EXEMPLARS: "#AA3377",
    Evaluator.NEW_CLASSES: "#EE8866",
}
FONT = "system-ui, -apple-system, Segoe UI, Helvetica Neue, Arial, sans-serif"
_STRENGTH_UNITS = {
    FigureName.PREVIOUS_TOKEN: "attention one back, 0: uniform",
    FigureName.INDUCTION: "attention, correct − wrong",
}
FEW_POINTS = 60  # fewer are drawn with markers, so that a single one is seen
LABEL_CHARACTER = 0.0125  # width of a character of a mark's label, in shares of the x axis


@dataclass(frozen=True)
class Landmarks:
    """Places on the x axis that are marked: the phase change, and where a fork begins."""

    change: PhaseChange
    forked_at: int | None = None


def run_figure(
    name: FigureName, measurements: Sequence[Measurement], config: RunConfig, places: Landmarks
) -> Figure:
    """The figure called `name`."""
    if name is FigureName.LOSS:
        return loss_figure(measurements, config, places)
    return strength_figure(name, measurements, config, places)


def loss_figure(
    measurements: Sequence[Measurement], config: RunConfig, places: Landmarks
) -> Figure:
    """Loss of the four evaluators, the loss of guessing among the labels in context, the marks."""
    sequences = [row.sequences for row in measurements]
    traces = [
        {
            **_line(evaluator.replace("_", " "), config),
            "x": sequences,
            "y": [_finite(row.loss[index]) for row in measurements],
            "line": {
                "color": EVALUATOR_HUES[evaluator],
                "width": 2.4 if evaluator is Evaluator.TRAIN else 1.4,
            },
            "zorder": 1 if evaluator is Evaluator.TRAIN else 0,
            "meta": {"metric": "loss", "evaluator": index},
            "uid": f"loss-{evaluator}",
        }
        for index, evaluator in enumerate(EVALUATORS)
    ]
    layout = _layout(config, places, labelled=True)
    top = max([1.3 * math.log(config.task.labels), *_finite_losses(measurements)])
    layout["yaxis"] |= {"range": [0, round(1.05 * top, 3)]}
    layout["yaxis"]["title"] = {**layout["yaxis"]["title"], "text": "loss (nats)"}
    layout["shapes"].append(_guessing_line(config))
    layout["annotations"].append(_guessing_label(config))
    return {"data": traces, "layout": layout}


def strength_figure(
    name: FigureName, measurements: Sequence[Measurement], config: RunConfig, places: Landmarks
) -> Figure:
    """One strength of every head; the layer that the paper shows is visible, the others hidden."""
    metric = f"{name}_strength"
    shown = shown_layer(name, config)
    sequences = [row.sequences for row in measurements]
    traces = [
        {
            **_line(head_name(layer, head), config),
            "x": sequences,
            "y": [_finite(getattr(row, metric)[layer][head]) for row in measurements],
            "line": {"color": head_hue(head), "width": 1.6, "dash": _dash(head)},
            "visible": layer == shown,
            "meta": {"metric": metric, "layer": layer, "head": head},
            "uid": f"{metric}-{layer}-{head}",
        }
        for layer in range(config.model.layers)
        for head in range(config.model.heads)
    ]
    layout = _layout(config, places, labelled=False)
    lowest = min([-0.15, *_finite_strengths(measurements, metric)])
    span = [round(lowest - 0.05, 3), 1.05]
    layout["yaxis"] |= {"range": span, "dtick": 0.5}
    layout["yaxis"]["title"] = {**layout["yaxis"]["title"], "text": _STRENGTH_UNITS[name]}
    return {"data": traces, "layout": layout}


def shown_layer(name: FigureName, config: RunConfig) -> int:
    """Previous-token heads form in the first layer, induction heads in the last."""
    return config.model.layers - 1 if name is FigureName.INDUCTION else 0


def head_hue(head: int) -> str:
    """The colour of a head in every view."""
    return HUES[head % len(HUES)]


def _dash(head: int) -> str:
    return DASHES[head // len(HUES) % len(DASHES)]


def _finite(number: float) -> float | None:
    """Infinities and NaN are gaps: JSON has no word for them."""
    return round(number, 6) if math.isfinite(number) else None


def _finite_losses(measurements: Sequence[Measurement]) -> Iterator[float]:
    return (loss for row in measurements for loss in row.loss if math.isfinite(loss))


def _finite_strengths(measurements: Sequence[Measurement], metric: str) -> Iterator[float]:
    for row in measurements:
        for layer in getattr(row, metric):
            yield from filter(math.isfinite, layer)


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


def _layout(config: RunConfig, places: Landmarks, *, labelled: bool) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "tickfont": {"size": 11, "color": MUTED},
        "title": {"font": {"size": 11, "color": MUTED}, "standoff": 6},
        "fixedrange": False,
    }
    total = config.training.total_sequences
    xaxis = {"range": [0, total], "tickformat": "~s", "hoverformat": ",d", "nticks": 7}
    return {
        "font": {"family": FONT, "size": 11, "color": INK},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"l": 46, "r": 18, "t": 10, "b": 42},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": CARD, "bordercolor": GRID, "font": {"size": 11, "color": INK}},
        "showlegend": True,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "uirevision": "run",
        "xaxis": {**axis, **xaxis, "title": {**axis["title"], "text": "sequences seen"}},
        "yaxis": dict(axis),
        "shapes": list(_mark_shapes(places)),
        "annotations": list(_mark_labels(places, config)) if labelled else [],
    }


def _marks(places: Landmarks, config: RunConfig) -> list[tuple[str, float, str]]:
    """(name, sequences, label) of the marks that are known, from left to right."""
    half, change = f"half ln {config.task.context_labels}", places.change
    named = (
        ("fork", places.forked_at, "fork {}"),
        ("onset", change.onset, "onset {}"),
        ("midpoint", change.midpoint, half + " · {}"),
        ("end", change.end, "end {}"),
    )
    known = [(name, at, text.format(short(at))) for name, at, text in named if at is not None]
    return sorted(known, key=lambda mark: mark[1])


def _mark_shapes(places: Landmarks) -> Iterator[dict[str, Any]]:
    change = places.change
    tall: dict[str, Any] = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    if change.plateau_start is not None and change.plateau_end is not None:
        yield {
            **tall,
            "type": "rect",
            "name": "band",
            "x0": change.plateau_start,
            "x1": change.plateau_end,
            "fillcolor": BAND,
            "line": {"width": 0},
        }
    for at in (change.onset, change.midpoint, change.end):
        if at is not None:
            line = {"color": MARK, "width": 1}
            yield {**tall, "type": "line", "name": "mark", "x0": at, "x1": at, "line": line}
    if (at := places.forked_at) is not None:
        line = {"color": MUTED, "width": 1}
        # Below, the grid would hide it: a fork at 100k lies on one of its lines.
        where = {"layer": "above", "x0": at, "x1": at}
        yield {**tall, **where, "type": "line", "name": "fork", "line": line}


def _mark_labels(places: Landmarks, config: RunConfig) -> Iterator[dict[str, Any]]:
    """Labels at the top; one that would run into its neighbour goes a line lower."""
    change = places.change
    if change.plateau_start is not None and change.plateau_end is not None:
        middle = (change.plateau_start + change.plateau_end) / 2
        plateau = _label("plateau", middle, 0, xanchor="center", yanchor="bottom")
        yield plateau | {"bgcolor": CLEAR}
    total = config.training.total_sequences
    row_ends: list[float] = []
    for name, at, text in _marks(places, config):
        width = len(text) * LABEL_CHARACTER * total
        flipped = at + width > total
        start = at - width if flipped else at
        row = next((i for i, end in enumerate(row_ends) if start >= end), len(row_ends))
        row_ends[row:] = [start + width]
        anchor = {"xanchor": "right" if flipped else "left", "xshift": -3 if flipped else 3}
        yield {**_label(text, at, 1, **anchor, yanchor="top"), "name": name, "yshift": -15 * row}


def _label(text: str, x: float, y: float, **place: str | float) -> dict[str, Any]:
    return {
        "text": text,
        "name": "label",
        "x": x,
        "y": y,
        "yref": "paper",
        "showarrow": False,
        "bgcolor": CARD,
        "opacity": 0.9,
        "borderpad": 1,
        "font": {"size": 11, "color": MUTED},
        **place,
    }


def _guessing_line(config: RunConfig) -> dict[str, Any]:
    guess = math.log(config.task.context_labels)
    return {
        "type": "line",
        "name": "guessing",
        "layer": "below",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": guess,
        "y1": guess,
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }


def _guessing_label(config: RunConfig) -> dict[str, Any]:
    labels = config.task.context_labels
    among = "between the two" if labels == 2 else f"among the {labels}"
    label = _label(
        f"ln {labels} · guessing {among} labels in context",
        1,
        math.log(labels),
        xanchor="right",
        yanchor="bottom",
    )
    return label | {"name": "guessing", "xref": "paper", "yref": "y"}
