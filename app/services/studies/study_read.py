"""Studies as the API and pages say them: how far, how long yet, and their runs."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from app.db import studies as rows
from app.db.models import Run, Study, StudyRunRow
from app.db.studies import Tally
from app.schemas.api.studies import AxisRead, StudyProgress, StudyRead, StudyRunRead, WholeStudyRead
from app.schemas.state import TERMINAL, RunState
from app.services.colours import colour_of, distinct_colours
from app.services.cursors import read_moment, write_cursor
from app.services.series.measurements import finite

# Of several states of runs, the first that there is is that of their study.
_BY_WEIGHT = (
    RunState.RUNNING,
    RunState.STARTING,
    RunState.LOST,
    RunState.STOPPING,
    RunState.PAUSING,
    RunState.QUEUED,
    RunState.PAUSED,
    RunState.FAILED,
    RunState.CANCELLED,
)


def list_studies(
    session: Session, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[StudyRead], str | None]:
    """A page of studies, the newest first, and the cursor of the next page if there is one."""
    past = read_moment(cursor, "studies") if cursor else None
    found = rows.studies_page(session, limit=limit + 1, past=past)
    page = found[:limit]
    tallies = rows.tallies(session, [study.id for study in page])
    read = [
        _read(study, progress_of(tally for tally in tallies if tally.study_id == study.id))
        for study in page
    ]
    more = len(found) > limit
    return read, write_cursor([page[-1].created_at.isoformat(), page[-1].id]) if more else None


def read_study(session: Session, study: Study) -> StudyRead:
    """The study and how far it is."""
    return _read(study, progress_of(rows.tallies(session, [study.id])))


def read_axes(study: Study) -> list[AxisRead]:
    """What varies in the study."""
    return [AxisRead.model_validate(axis) for axis in study.axes]


def read_whole_study(session: Session, study: Study) -> WholeStudyRead:
    """The study with all of its runs."""
    read = read_study(session, study)
    found = rows.runs_of_study(session, study.id)
    hues = distinct_colours((run.id, run.colour) for _, run in found)
    runs = [read_study_run(place, run, hues[run.id]) for place, run in found]
    return WholeStudyRead(**dict(read), runs=runs)


def read_study_run(place: StudyRunRow, run: Run, colour: str = "") -> StudyRunRead:
    """A run as its study says it; `colour`: among those of the study, else its own."""
    return StudyRunRead(
        id=run.id,
        name=place.name,
        colour=colour or colour_of(run.id, run.colour),
        values=place.values,
        is_reused=place.is_reused,
        state=RunState(run.state),
        sequences=run.sequences,
        total_sequences=run.total_sequences,
        progress=min(1.0, run.sequences / run.total_sequences),
        train_loss=finite(run.train_loss),
        midpoint=run.midpoint,
        end=run.end,
    )


def progress_of(tallies: Iterable[Tally]) -> StudyProgress:
    """How far the runs of one study are."""
    found = {RunState(tally.state): tally for tally in tallies}
    done = sum(tally.sequences for tally in found.values())
    total = sum(tally.total_sequences for tally in found.values())
    rate = sum(tally.rate or 0 for tally in found.values())
    left = sum(
        tally.total_sequences - tally.sequences
        for state, tally in found.items()
        if state not in TERMINAL
    )
    return StudyProgress(
        state=next((state for state in _BY_WEIGHT if state in found), RunState.FINISHED),
        runs=sum(tally.runs for tally in found.values()),
        by_state={state: found[state].runs for state in RunState if state in found},
        is_over=all(state in TERMINAL for state in found),
        sequences=done,
        total_sequences=total,
        progress=done / total if total else 1,
        sequences_per_second=rate or None,
        seconds_left=left / rate if rate else None,
    )


def _read(study: Study, progress: StudyProgress) -> StudyRead:
    return StudyRead(
        id=study.id,
        name=study.name,
        tags=study.tags,
        notes=study.notes,
        created_at=study.created_at,
        axes=read_axes(study),
        progress=progress,
    )
