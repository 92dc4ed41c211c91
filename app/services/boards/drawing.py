"""Figures of boards as they are now: the same as on the pages that their queries are of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.schemas.api.limits import MOST_RUNS
from app.schemas.boards import ComparisonBlock, FigureBlock, RunBlock, StudyBlock
from app.schemas.state import TERMINAL
from app.services.boards.views import chart_view, compare_view, figure_name, study_view
from app.services.charts.curves import metric_or_error
from app.services.charts.style import Figure
from app.services.compare.comparison import Chosen, choose, compare
from app.services.compare.figures import compare_figure
from app.services.compare.page import number_title, said_missing
from app.services.compare.series import series_or_error
from app.services.compare.view import CompareView, settled
from app.services.run_page.charts import view_figure, view_title
from app.services.runs.lifecycle import run_or_error
from app.services.studies.figure import USUAL_COLUMNS, study_figure
from app.services.studies.lifecycle import study_or_error
from app.services.studies.study_read import read_study

UNSEEN = "no points yet"


@dataclass(frozen=True)
class BoardFigure:
    """A figure with what is said of it. `kind`: `run`, or `overlay` for curves of several."""

    kind: str
    title: str
    note: str
    height: int
    smoothing: float
    is_over: bool
    figure: Figure


def board_figure(session: Session, block: FigureBlock, columns: int = USUAL_COLUMNS) -> BoardFigure:
    """The figure of a block. `NotFound` if what it is of was deleted, `Invalid` if it cannot be."""
    if isinstance(block, RunBlock):
        return _of_run(session, block)
    if isinstance(block, ComparisonBlock):
        return _of_comparison(session, block, columns)
    return _of_study(session, block, columns)


def board_title(session: Session, block: FigureBlock) -> str:
    """What the figure of a block is of; raises as `board_figure` does."""
    if isinstance(block, RunBlock):
        run = run_or_error(session, block.run_id)
        return view_title(run, figure_name(block), chart_view(block))
    if isinstance(block, ComparisonBlock):
        view = compare_view(block)
        return _comparison_title(view, _chosen(session, view))
    study = study_or_error(session, block.study_id)
    return f"{metric_or_error(study_view(block).metric).title} of {study.name}"


def _chosen(session: Session, view: CompareView) -> Chosen:
    chosen = choose(session, view.runs[:MOST_RUNS])
    if not chosen.runs:
        raise NotFound("None of the runs of this comparison exists any more.")
    return chosen


def _comparison_title(view: CompareView, chosen: Chosen) -> str:
    what, count = number_title(series_or_error(view.series), view), len(chosen.runs)
    return f"{what} of {count} run{'s' if count > 1 else ''}"


def _of_run(session: Session, block: RunBlock) -> BoardFigure:
    run, view = run_or_error(session, block.run_id), chart_view(block)
    figure = view_figure(session, run, figure_name(block), view)
    meta = figure["layout"]["meta"]
    return BoardFigure(
        kind="run",
        title=view_title(run, figure_name(block), view),
        note="; ".join(meta["notes"] if any(one["x"] for one in figure["data"]) else [UNSEEN]),
        height=block.height,
        smoothing=view.smooth,
        is_over=run.state in TERMINAL,
        figure=figure,
    )


def _of_comparison(session: Session, block: ComparisonBlock, columns: int) -> BoardFigure:
    view = compare_view(block)
    chosen = _chosen(session, view)
    missing = said_missing(chosen, len(view.runs))
    view, faults = settled(replace(view, runs=tuple(chosen.ids)), chosen.groups, chosen.ids)
    comparison = compare(session, chosen, view)
    figure = _as_on_the_page(compare_figure(comparison, columns), view)
    return BoardFigure(
        kind="overlay",
        title=_comparison_title(view, chosen),
        note=" ".join([*missing, *faults, figure["layout"]["meta"]["note"]]),
        height=figure["layout"]["meta"].get("height") or block.height,
        smoothing=0,
        is_over=all(one.run.state in TERMINAL for one in chosen.runs),
        figure=figure,
    )


def _of_study(session: Session, block: StudyBlock, columns: int) -> BoardFigure:
    study, view = study_or_error(session, block.study_id), study_view(block)
    figure = study_figure(session, study, view, columns=columns)
    meta = figure["layout"]["meta"]
    return BoardFigure(
        kind="overlay",
        title=f"{metric_or_error(view.metric).title} of {study.name}",
        note=meta["note"],
        height=meta.get("height") or block.height,
        smoothing=0,
        is_over=read_study(session, study).progress.is_over,
        figure=figure,
    )


def _as_on_the_page(figure: Figure, view: CompareView) -> Figure:
    """What the page of a comparison does by itself: hides groups, and divides axes by decades."""
    layout, groups = figure["layout"], figure["layout"]["meta"]["groups"]
    hidden = {place for place, group in enumerate(groups) if group["key"] in view.hidden}
    traces = [one for one in figure["data"] if one["meta"]["group"] not in hidden]
    if view.xlog:
        _log_axes(layout, "xaxis", _x_decades(traces))
    if view.ylog:
        _log_axes(layout, "yaxis", {"autorange": True, "range": None})
        layout["annotations"] = [_log_note(one) for one in layout["annotations"]]
    layout["hovermode"] = "closest"  # here no table beside says the numbers under the pointer
    return {"data": traces, "layout": layout}


def _log_axes(layout: dict[str, Any], kind: str, said: Mapping[str, Any]) -> None:
    for name, axis in layout.items():
        if name.startswith(kind):
            layout[name] = axis | {"type": "log"} | said


def _x_decades(traces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From the first place above 0, which no logarithmic axis has, to the last."""
    places = [place for trace in traces for place in trace["x"] if place and place > 0]
    if not places:
        return {}
    first = min(places)
    return {"range": [math.log10(first), math.log10(max(*places, 10 * first))]}


def _log_note(note: dict[str, Any]) -> dict[str, Any]:
    return note | {"y": math.log10(note["y"])} if note.get("name") == "guessing" else note
