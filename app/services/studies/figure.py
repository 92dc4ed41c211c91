"""The chart of a study: one number of all of its runs, in groups."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import studies as rows
from app.db.models import Study
from app.db.series import curves_of
from app.errors import Invalid
from app.services.charts.curves import group_runs, metric_or_error, usual_grouping
from app.services.charts.overlay import StudyCurves, overlay_figure
from app.services.charts.panels import panels_figure
from app.services.charts.style import Figure
from app.services.studies.study_read import read_axes

USUAL_METRIC = "loss.train"
VIEWS = {"overlay": "One chart", "panels": "Small charts"}
USUAL_COLUMNS, MOST_COLUMNS = 4, 8


@dataclass(frozen=True)
class StudyView:
    """What the chart of a study shows; the page's address holds it."""

    metric: str = USUAL_METRIC
    group: str | None = None  # None: the usual one
    view: str = "overlay"


def study_figure(session: Session, study: Study, view: StudyView, *, columns: int) -> Figure:
    """The chart of a study as it is now."""
    metric = metric_or_error(view.metric)
    if view.view not in VIEWS:
        known = " or ".join(VIEWS)
        raise Invalid(f"There is no view {view.view!r}; write {known}.", loc="query/view")
    axes = read_axes(study)
    drawn = rows.figure_runs(session, study.id)
    ids = [run.run_id for run in drawn]
    labels = {run.labels_in_context for run in drawn}
    shown = StudyCurves(
        metric=metric,
        groups=group_runs(axes, drawn, view.group or usual_grouping(axes)),
        curves={curve.run_id: curve for curve in curves_of(session, ids, metric.column)},
        runs=len(drawn),
        total_sequences=max((run.total_sequences for run in drawn), default=1),
        labels_in_context=labels.pop() if len(labels) == 1 else None,
    )
    return panels_figure(shown, columns) if view.view == "panels" else overlay_figure(shown)
