"""The pages of studies: all of them, and one with its curves and its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.db import studies as rows
from app.db.models import Run, Study, StudyRunRow
from app.db.series import curves_of
from app.errors import Invalid
from app.schemas.api.studies import StudyProgress, StudyRead, StudyRunRead
from app.schemas.config import RunConfig
from app.schemas.state import TERMINAL, RunState
from app.services.charts.curves import (
    STUDY_METRICS,
    group_runs,
    groupings,
    metric_or_error,
    usual_grouping,
)
from app.services.charts.overlay import StudyCurves, overlay_figure
from app.services.charts.panels import panels_figure
from app.services.charts.style import Figure
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.runs.run_read import describe_config
from app.services.studies.study_read import list_studies, read_member, read_study

BUSY_SECONDS, IDLE_SECONDS = 3, 15
PAGE, MEMBERS = 30, 200
USUAL_METRIC = "loss.train"
VIEWS = {"overlay": "One chart", "panels": "Small charts"}
USUAL_COLUMNS, MOST_COLUMNS = 4, 8


@dataclass(frozen=True)
class StudyRow:
    """A study in the table."""

    study: StudyRead
    counts: str


@dataclass(frozen=True)
class StudiesPage:
    """Context of `studies/list.html`."""

    rows: Sequence[StudyRow]
    refresh_url: str
    refresh_seconds: int
    next_url: str | None
    is_later_page: bool


@dataclass(frozen=True)
class StudyView:
    """What the chart of a study shows; the page's address holds it."""

    metric: str = USUAL_METRIC
    group: str | None = None  # None: the usual one
    view: str = "overlay"


@dataclass(frozen=True)
class MemberRow:
    """A run in the table of a study."""

    run: StudyRunRead
    lights: LitModel
    words: str


@dataclass(frozen=True)
class StudyStatus:
    """Context of the blocks that are fetched again while a study goes on."""

    study: StudyRead
    counts: str
    can_pause: bool
    can_resume: bool
    members: Sequence[MemberRow]
    status_url: str
    refresh_seconds: int
    earlier_url: str | None
    later_url: str | None


@dataclass(frozen=True)
class StudyPageContext(StudyStatus):
    """Context of `studies/page.html`."""

    metrics: dict[str, str]
    groups: dict[str, str]
    views: dict[str, str]
    chosen: StudyView
    awaited: str
    page_data: dict[str, Any]


def studies_page(session: Session, cursor: str | None) -> StudiesPage:
    """A page of studies, the newest first."""
    studies, next_cursor = list_studies(session, cursor=cursor, limit=PAGE)
    busy = not all(study.progress.is_over for study in studies)
    return StudiesPage(
        rows=[StudyRow(study, counts(study.progress)) for study in studies],
        refresh_url=_list_url(cursor),
        refresh_seconds=BUSY_SECONDS if busy else IDLE_SECONDS,
        next_url=_list_url(next_cursor) if next_cursor else None,
        is_later_page=cursor is not None,
    )


def study_status(session: Session, study: Study, start: int) -> StudyStatus:
    """How far a study and its runs are; `start`: the first run of the table."""
    read = read_study(session, study)
    found = rows.members(session, study.id, limit=MEMBERS + 1, offset=start)
    states = read.progress.by_state
    url = f"/studies/{study.id}"
    return StudyStatus(
        study=read,
        counts=counts(read.progress),
        can_pause=any(s not in TERMINAL | _SET_ASIDE for s in states),
        can_resume=any(s in _SET_ASIDE - {RunState.STOPPING} for s in states),
        members=[_row(member, run) for member, run in found[:MEMBERS]],
        status_url=f"{url}/status?from={start}",
        refresh_seconds=BUSY_SECONDS if not read.progress.is_over else 0,
        earlier_url=f"{url}?from={max(0, start - MEMBERS)}" if start else None,
        later_url=f"{url}?from={start + MEMBERS}" if len(found) > MEMBERS else None,
    )


_SET_ASIDE = frozenset({RunState.PAUSED, RunState.PAUSING, RunState.STOPPING})


def study_page(session: Session, study: Study, view: StudyView, start: int) -> StudyPageContext:
    """Everything that the page shows at first."""
    status = study_status(session, study, start)
    chosen = StudyView(view.metric, view.group or usual_grouping(status.study.axes), view.view)
    figure = study_figure(session, study, chosen, columns=USUAL_COLUMNS)
    return StudyPageContext(
        **{name: getattr(status, name) for name in StudyStatus.__dataclass_fields__},
        metrics={metric.id: metric.title for metric in STUDY_METRICS.values()},
        groups=groupings(status.study.axes),
        views=VIEWS,
        chosen=chosen,
        awaited="" if figure["layout"]["meta"]["points"] else _awaited(status.study.progress),
        page_data={
            "figure_url": f"/api/v1/studies/{study.id}/figure",
            "figure": figure,
            "usual": vars(StudyView(group=usual_grouping(status.study.axes))),
        },
    )


def study_figure(session: Session, study: Study, view: StudyView, *, columns: int) -> Figure:
    """The chart of a study as it is now."""
    metric = metric_or_error(view.metric)
    if view.view not in VIEWS:
        known = " or ".join(VIEWS)
        raise Invalid(f"There is no view {view.view!r}; write {known}.", loc="query/view")
    axes = read_study(session, study).axes
    drawn = rows.drawn(session, study.id)
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


def counts(progress: StudyProgress) -> str:
    """`3 running, 4 queued`; of one state alone `all 7 finished`."""
    parts = [f"{count} {state}" for state, count in progress.by_state.items()]
    return f"all {parts[0]}" if len(parts) == 1 and progress.runs > 1 else ", ".join(parts)


def _row(member: StudyRunRow, run: Run) -> MemberRow:
    config = RunConfig.model_validate(run.config)
    return MemberRow(
        run=read_member(member, run),
        lights=lit_model(config.program, config.model),
        words=" ".join(describe_config(config)),
    )


def _awaited(progress: StudyProgress) -> str:
    if progress.is_over:
        return "No run of this study was measured."
    return "Curves appear here as soon as training starts."


def _list_url(cursor: str | None) -> str:
    return f"/studies?{urlencode({'cursor': cursor})}" if cursor else "/studies"
