"""The pages of studies: all of them, and one with its curves and its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.db import studies as rows
from app.db.models import Run, Study, StudyRunRow
from app.schemas.api.studies import StudyProgress, StudyRead, StudyRunRead
from app.schemas.config import RunConfig
from app.schemas.measure import Bracket
from app.schemas.state import TERMINAL, RunState
from app.services.charts.curves import STUDY_METRICS, groupings, usual_grouping
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.runs.run_read import describe_config, is_clamped_at, phase_change_of
from app.services.series.brackets import midpoint_brackets
from app.services.studies.figure import USUAL_COLUMNS, VIEWS, StudyView, study_figure
from app.services.studies.study_read import list_studies, read_study, read_study_run
from app.services.wording import between, phase_marks

BUSY_SECONDS, IDLE_SECONDS = 3, 15
PAGE, TABLE_RUNS = 30, 200


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
class StudyTableRow:
    """A run in the table of a study."""

    run: StudyRunRead
    lit_model: LitModel
    words: str
    between: str  # which measurements its midpoint lies
    phase_marks: str  # what else is to be known of that, as the list of runs says it


@dataclass(frozen=True)
class StudyStatus:
    """Context of the blocks that are fetched again while a study goes on."""

    study: StudyRead
    counts: str
    can_pause: bool
    can_resume: bool
    rows: Sequence[StudyTableRow]
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
    report_url: str
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
    found = rows.runs_of_study(session, study.id, limit=TABLE_RUNS + 1, offset=start)
    brackets = midpoint_brackets(session, [run.id for _, run in found[:TABLE_RUNS]])
    states = read.progress.by_state
    url = f"/studies/{study.id}"
    return StudyStatus(
        study=read,
        counts=counts(read.progress),
        can_pause=any(s not in TERMINAL | _SET_ASIDE for s in states),
        can_resume=any(s in _SET_ASIDE - {RunState.STOPPING} for s in states),
        rows=[_row(place, run, brackets.get(run.id)) for place, run in found[:TABLE_RUNS]],
        status_url=f"{url}/status?from={start}",
        refresh_seconds=BUSY_SECONDS if not read.progress.is_over else 0,
        earlier_url=f"{url}?from={max(0, start - TABLE_RUNS)}" if start else None,
        later_url=f"{url}?from={start + TABLE_RUNS}" if len(found) > TABLE_RUNS else None,
    )


_SET_ASIDE = frozenset({RunState.PAUSED, RunState.PAUSING, RunState.STOPPING})


def study_page(session: Session, study: Study, view: StudyView, start: int) -> StudyPageContext:
    """Everything that the page shows at first."""
    status = study_status(session, study, start)
    axes = status.study.axes
    usual = usual_grouping(axes)
    chosen = StudyView(view.metric, view.group or usual, view.view)
    figure = study_figure(session, study, chosen, columns=USUAL_COLUMNS)
    return StudyPageContext(
        **{name: getattr(status, name) for name in StudyStatus.__dataclass_fields__},
        metrics={metric.id: metric.title for metric in STUDY_METRICS.values()},
        groups=groupings(axes),
        views=VIEWS,
        chosen=chosen,
        awaited="" if figure["layout"]["meta"]["points"] else _awaited(status.study.progress),
        report_url=f"/api/v1/studies/{study.id}/report.html?{_asked(chosen)}",
        page_data={
            "id": study.id,
            "name": study.name,
            "figure_url": f"/api/v1/studies/{study.id}/figure",
            "figure": figure,
            "usual": vars(StudyView(group=usual)),
        },
    )


def _asked(view: StudyView) -> str:
    return urlencode({name: value for name, value in vars(view).items() if value})


def counts(progress: StudyProgress) -> str:
    """`3 running, 4 queued`; of one state alone `all 7 finished`."""
    parts = [f"{count} {state}" for state, count in progress.by_state.items()]
    return f"all {parts[0]}" if len(parts) == 1 and progress.runs > 1 else ", ".join(parts)


def _row(place: StudyRunRow, run: Run, bracket: Bracket | None) -> StudyTableRow:
    config = RunConfig.model_validate(run.config)
    return StudyTableRow(
        run=read_study_run(place, run),
        lit_model=lit_model(config.program, config.model),
        words=" ".join(describe_config(config)),
        between=between(bracket) if bracket else "",
        phase_marks=phase_marks(
            phase_change_of(run), is_clamped=is_clamped_at(config, run.midpoint)
        ),
    )


def _awaited(progress: StudyProgress) -> str:
    if progress.is_over:
        return "No run of this study was measured."
    return "Curves appear here as soon as training starts."


def _list_url(cursor: str | None) -> str:
    return f"/studies?{urlencode({'cursor': cursor})}" if cursor else "/studies"
