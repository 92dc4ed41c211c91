"""Statements about runs and studies that leave as an archive, or come from one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.models import (
    INCLUDING_DELETED,
    Analysis,
    AnalysisPart,
    Frame,
    MeasurementRow,
    ResumePoint,
    Run,
    RunEvent,
    Study,
    StudyRunRow,
)

_IMPORTING = "importing an archive"


class Known(NamedTuple):
    """Enough of a run or study to tell it from any other of the same id."""

    created_at: datetime
    is_deleted: bool = False


@contextmanager
def importing(engine: Engine) -> Iterator[bool]:
    """While it lasts nobody else imports; False: somebody does."""
    # Of the connection and not of a transaction, which would stand still while files are written.
    taken = select(func.pg_try_advisory_lock(func.hashtext(_IMPORTING)))
    with engine.connect() as connection:
        has_it = bool(connection.execute(taken).scalar_one())
        connection.commit()
        try:
            yield has_it
        finally:
            if has_it:
                connection.execute(select(func.pg_advisory_unlock(func.hashtext(_IMPORTING))))
                connection.commit()


def known_runs(session: Session, run_ids: Collection[str]) -> dict[str, Known]:
    """Those of the ids that are taken, by runs that are deleted, too."""
    statement = select(Run.id, Run.created_at, Run.deleted_at).where(Run.id.in_(run_ids))
    found = session.execute(statement, execution_options=INCLUDING_DELETED)
    return {run_id: Known(at, gone is not None) for run_id, at, gone in found}


def known_studies(session: Session, study_ids: Collection[str]) -> dict[str, Known]:
    """Those of the ids that are taken."""
    found = session.execute(select(Study.id, Study.created_at).where(Study.id.in_(study_ids)))
    return {study_id: Known(at) for study_id, at in found}


def known_analyses(session: Session, ids: Collection[str]) -> set[str]:
    """Those of the ids that are taken, by analyses of deleted runs, too."""
    statement = select(Analysis.id).where(Analysis.id.in_(ids))
    return set(session.scalars(statement, execution_options=INCLUDING_DELETED))


def measurements_page(
    session: Session, run_id: str, after: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Whole rows past a place, in order."""
    return _page(session, MeasurementRow, run_id, after, limit)


def frames_page(
    session: Session, run_id: str, after: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """The same of frames."""
    return _page(session, Frame, run_id, after, limit)


def _page(
    session: Session, model: type[Base], run_id: str, after: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    columns = model.__table__.c
    statement = (
        select(*(one for one in columns if one.name != "run_id"))
        .where(columns.run_id == run_id, columns.sequences > after)
        .order_by(columns.sequences)
        .limit(limit)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def events_of(session: Session, run_id: str) -> Sequence[RunEvent]:
    """A run's timeline, in order."""
    statement = select(RunEvent).where(RunEvent.run_id == run_id).order_by(RunEvent.id)
    return session.scalars(statement).all()


def resume_point_of(session: Session, run_id: str) -> ResumePoint | None:
    """Where it goes on if its trainer is lost."""
    return session.get(ResumePoint, run_id)


def analyses_of(session: Session, run_id: str, states: Collection[str]) -> Sequence[Analysis]:
    """Questions about a run that are in one of these states, oldest first."""
    statement = (
        select(Analysis)
        .where(Analysis.run_id == run_id, Analysis.state.in_(states))
        .order_by(Analysis.created_at, Analysis.id)
    )
    return session.scalars(statement).all()


def parts_of(session: Session, analysis_id: str, after: int, limit: int) -> Sequence[AnalysisPart]:
    """What an analysis found, past a place, in order."""
    statement = (
        select(AnalysisPart)
        .where(AnalysisPart.analysis_id == analysis_id, AnalysisPart.place > after)
        .order_by(AnalysisPart.place)
        .limit(limit)
    )
    return session.scalars(statement).all()


def places_of(session: Session, study_id: str) -> Sequence[StudyRunRow]:
    """The runs of a study, in order."""
    statement = (
        select(StudyRunRow).where(StudyRunRow.study_id == study_id).order_by(StudyRunRow.place)
    )
    return session.scalars(statement).all()


def add_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows as they are."""
    if rows:
        session.execute(insert(model), list(rows))


def set_parent(session: Session, run_id: str, parent_id: str) -> None:
    """Says whose fork a run is, once both are there."""
    session.execute(update(Run).where(Run.id == run_id).values(parent_id=parent_id))
