"""The charts of a run's page: what its address asks for, and what is drawn first."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Run
from app.errors import Invalid
from app.schemas.api.series import Thinning
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Measurement, Metric, PhaseBrackets
from app.schemas.series import EVALUATED, EVALUATED_ON, HEADS_BY_KIND, MEASURES, PANELS, HeadMeasure
from app.schemas.view import ChartView, Drawing, XAxis, YAxis
from app.schemas.words import grouped
from app.services.charts.axes import USUAL, Look
from app.services.charts.marks import Landmarks, windows_of
from app.services.charts.run_figures import (
    EVALUATOR_HUES,
    STRENGTHS,
    FigureName,
    run_figure,
)
from app.services.charts.style import Figure, head_dash, head_hue
from app.services.runs.run_read import phase_change_of
from app.services.series.brackets import phase_brackets
from app.services.series.measurements import SHOWN, WHOLE, SequenceRange, finite, read_measurements

LOSS = FigureName(Metric.LOSS)
X_AXES: Mapping[XAxis, str] = {
    XAxis.SEQUENCES: "sequences",
    XAxis.UPDATES: "updates",
    XAxis.ELAPSED: "training time",
    XAxis.LOG: "log of sequences",
}


@dataclass(frozen=True)
class LegendEntry:
    """An evaluator, its hue, and its latest number."""

    name: str
    label: str
    hue: str
    value: float | None
    is_shown: bool
    says: str  # which sequences these are


@dataclass(frozen=True)
class HeadKey:
    """A head in the legend."""

    number: int
    hue: str
    dash: str
    is_shown: bool


@dataclass(frozen=True)
class Panel:
    """A chart of one strength, with a layer to choose."""

    name: str
    title: str
    chart: str
    measure: str
    layers: range
    shown: int
    drawing: Drawing
    heads: Sequence[HeadKey]


@dataclass(frozen=True)
class Charts:
    """Context of the charts in `run/page.html`; `data` is for their script."""

    view: ChartView
    title: str
    unit: str
    metrics: Mapping[str, str]
    x_axes: Mapping[XAxis, str]
    legend: Sequence[LegendEntry]
    panels: Sequence[Panel]
    heads: Sequence[HeadKey]
    note: str
    data: dict[str, Any]


def read_figure(
    session: Session, run: Run, name: FigureName, span: SequenceRange = WHOLE, look: Look = USUAL
) -> Figure:
    """A run's figure, or a part of it, as it is now."""
    config = RunConfig.model_validate(run.config)
    _check_look(name, look)
    read = _read_beyond(session, run, config, span, _shown(name))
    return _figure(run, name, config, read, look, phase_brackets(session, run.id))


def view_figure(session: Session, run: Run, name: FigureName, view: ChartView) -> Figure:
    """A run's figure as a view of its page has it: that part, that layer, without what is hidden;
    smoothing is left to whoever draws it. Raises `Invalid`."""
    config = RunConfig.model_validate(run.config)
    check_view(view, config)
    span, look = _part(view, run.sequences)
    if name in STRENGTHS:
        look = replace(look, drawing=getattr(view, name))
        figure = read_figure(session, run, name, span, look)
        return _of_layer(figure, HEADS_BY_KIND[name], config, view)
    figure = read_figure(session, run, name, span, replace(look, y=view.y))
    hidden = {EVALUATORS.index(one) for one in view.hidden_evaluators}
    return {**figure, "data": [t for t in figure["data"] if t["meta"]["evaluator"] not in hidden]}


def view_title(run: Run, name: FigureName, view: ChartView) -> str:
    """What `view_figure` shows, and of which run."""
    if name not in STRENGTHS:
        return f"{MEASURES[name].title} of {run.name}"
    measure, config = HEADS_BY_KIND[name], RunConfig.model_validate(run.config)
    return f"{measure.title}, layer {_layer(measure, config, view) + 1}, of {run.name}"


def _of_layer(figure: Figure, measure: HeadMeasure, config: RunConfig, view: ChartView) -> Figure:
    """The layer that the view shows: lines of its heads, or its rows of a heatmap."""
    layer, heads = _layer(measure, config, view), config.model.heads
    if getattr(view, measure.kind) is Drawing.HEATMAP:
        figure["layout"]["yaxis"]["range"] = [(layer + 1) * heads - 0.5, layer * heads - 0.5]
        return figure
    hidden = view.hidden_heads(measure.kind)
    shown = [
        trace | {"visible": True}
        for trace in figure["data"]
        if trace["meta"]["layer"] == layer and trace["meta"]["head"] not in hidden
    ]
    return {**figure, "data": shown}


def _shown(name: FigureName) -> Sequence[str]:
    """Series that do not lose their extremes: what figures show together, and the figure's own."""
    return SHOWN if name in (LOSS, *STRENGTHS) else (*SHOWN, f"{name}.*")


def _check_look(name: FigureName, look: Look) -> None:
    if name not in STRENGTHS and look.drawing is Drawing.HEATMAP:
        raise Invalid("Only strengths can be a heatmap.", loc="query/drawing")
    if name in STRENGTHS and look.y is YAxis.LOG:
        raise Invalid("Strengths may be negative; their y axis is linear.", loc="query/y")


def _figure(
    run: Run,
    name: FigureName,
    config: RunConfig,
    read: tuple[Sequence[Measurement], Thinning],
    look: Look,
    between: PhaseBrackets,
) -> Figure:
    rows, thinning = read
    # Of the run's row, read before the points: it may mark less than they show, never more.
    windows = windows_of(config.program)
    places = Landmarks(phase_change_of(run), run.forked_at, between, windows)
    figure = run_figure(name, rows, config, places, look)
    figure["layout"]["meta"]["thinning"] = _shown_of(thinning, rows, look).model_dump()
    return figure


def _shown_of(thinning: Thinning, rows: Sequence[Measurement], look: Look) -> Thinning:
    """Without the first measurement where that has no place: on a log axis."""
    without = look.x is XAxis.LOG and look.holds(0) and any(row.sequences == 0 for row in rows)
    counted = {"points": thinning.points - without, "of": thinning.of - without}
    return thinning.model_copy(update=counted)


def _thinned(thinning: Thinning) -> str:
    if thinning.bucket_sequences is None:
        return f"{grouped(thinning.of)} points"
    return (
        f"{grouped(thinning.points)} of {grouped(thinning.of)} points: smallest, largest and last "
        f"of every {grouped(thinning.bucket_sequences)} sequences"
    )


def charts_of(
    session: Session,
    run: Run,
    config: RunConfig,
    read: tuple[Sequence[Measurement], Thinning],
    view: ChartView,
) -> Charts:
    """What the page shows first; `read` are the measurements of the whole run."""
    rows, _ = read
    check_view(view, config)
    figures = _figures(session, run, config, read, view)
    meta = figures["metric"]["layout"]["meta"]
    return Charts(
        view=view,
        title=meta["title"],
        unit=meta["unit"],
        metrics={measure.id: measure.title for measure in EVALUATED},
        x_axes=X_AXES,
        legend=_legend(rows, view),
        panels=[_panel(measure, config, view) for measure in PANELS],
        heads=_head_keys(config),
        note="; ".join([_thinned(Thinning.model_validate(meta["thinning"])), *meta["notes"]]),
        data={
            "figures": figures,
            "view": _told(view, config),
            "usual_view": _told(ChartView(), config),
        },
    )


def _figures(
    session: Session,
    run: Run,
    config: RunConfig,
    read: tuple[Sequence[Measurement], Thinning],
    view: ChartView,
) -> dict[str, Figure]:
    """The three charts, by their places on the page."""
    rows, _ = read
    span, look = _part(view, rows[-1].sequences if rows else 0)
    if look.is_part:
        read = _read_beyond(session, run, config, span, SHOWN)
    name = FigureName(view.metric)
    own = read
    if name != LOSS:
        own = _read_beyond(session, run, config, span, _shown(name))
    between = phase_brackets(session, run.id)
    figures = {"metric": _figure(run, name, config, own, replace(look, y=view.y), between)}
    for panel in STRENGTHS:
        drawing = getattr(view, panel)
        figures[panel] = _figure(run, panel, config, read, replace(look, drawing=drawing), between)
    return figures


def _part(view: ChartView, latest: int) -> tuple[SequenceRange, Look]:
    """Which part of the run the view shows."""
    start, until = view.start, view.until
    if view.last is not None:
        start, until = max(0, latest - view.last), max(latest, view.last)
    span = SequenceRange(after=(start or 0) - 1, until=until)
    return span, Look(view.x, start=start, until=until)


def _read_beyond(
    session: Session, run: Run, config: RunConfig, span: SequenceRange, shown: Sequence[str]
) -> tuple[Sequence[Measurement], Thinning]:
    """The measurements of a range and one on either side, which are not counted."""
    rows, thinning = read_measurements(session, run, config, _widened(session, run, span), shown)
    last = math.inf if span.until is None else span.until
    beyond = sum(not span.after < row.sequences <= last for row in rows)
    counted = {"points": thinning.points - beyond, "of": thinning.of - beyond}
    return rows, thinning.model_copy(update=counted)


def _widened(session: Session, run: Run, span: SequenceRange) -> SequenceRange:
    """With the measurement before it and the one after it: lines reach the edges of the chart."""
    start = None if span.after < 0 else span.after + 1
    before, after = series.beside(session, run.id, start, span.until)
    return replace(
        span,
        after=span.after if before is None else before - 1,
        until=span.until if after is None else after,
        max_points=span.max_points + sum(side is not None for side in (before, after)),
    )


def check_view(view: ChartView, config: RunConfig) -> None:
    """Raises `Invalid` for layers and heads that the model has not."""
    layers, heads = config.model.layers, config.model.heads
    for name in (f"{measure.kind}_layer" for measure in PANELS):
        layer = getattr(view, name)
        if layer is not None and layer > layers:
            raise Invalid(f"Layer {layer}: this model has {layers}.", loc=f"query/{name}")
    for kind in (measure.kind for measure in PANELS):
        if wrong := [head for head in sorted(view.hidden_heads(kind)) if head >= heads]:
            said = f"Head {wrong[0]}: the heads of this model are 0 to {heads - 1}."
            raise Invalid(said, loc=f"query/{kind}_hide")


def _layer(measure: HeadMeasure, config: RunConfig, view: ChartView) -> int:
    chosen: int | None = getattr(view, f"{measure.kind}_layer")
    return measure.shown_layer(config.model.layers) if chosen is None else chosen - 1


def _told(view: ChartView, config: RunConfig) -> dict[str, Any]:
    """The view as the address has it, nothing left out."""
    layers = {f"{one.kind}_layer": _layer(one, config, view) + 1 for one in PANELS}
    hidden = {f"{one.kind}_hide": _listed(view.hidden_heads(one.kind)) for one in PANELS}
    return {**view.model_dump(mode="json", by_alias=True), **layers, **hidden}


def _listed(heads: Collection[int]) -> str:
    return ",".join(map(str, sorted(heads)))


def _legend(rows: Sequence[Measurement], view: ChartView) -> list[LegendEntry]:
    latest = getattr(rows[-1], view.metric) if rows else (math.nan,) * len(EVALUATORS)
    return [
        LegendEntry(
            name=evaluator,
            label=evaluator.replace("_", " "),
            hue=EVALUATOR_HUES[evaluator],
            value=finite(latest[index]),
            is_shown=evaluator not in view.hidden_evaluators,
            says=EVALUATED_ON[evaluator],
        )
        for index, evaluator in enumerate(EVALUATORS)
    ]


def _panel(measure: HeadMeasure, config: RunConfig, view: ChartView) -> Panel:
    return Panel(
        name=measure.kind,
        title=measure.title,
        chart=f"{measure.word}-chart",
        measure=measure.id,
        layers=range(config.model.layers),
        shown=_layer(measure, config, view),
        drawing=getattr(view, measure.kind),
        heads=_head_keys(config, view.hidden_heads(measure.kind)),
    )


def _head_keys(config: RunConfig, hidden: Collection[int] = ()) -> list[HeadKey]:
    return [
        HeadKey(head, head_hue(head), head_dash(head), head not in hidden)
        for head in range(config.model.heads)
    ]
