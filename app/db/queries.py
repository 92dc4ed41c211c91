"""Statements about runs, each named for its question."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.db.models import Moment, Run, RunEvent


def now(session: Session) -> datetime:
    """The database's clock: the only one that all processes share."""
    return session.scalars(select(func.clock_timestamp(type_=Moment))).one()


def has_runs(session: Session) -> bool:
    """Whether there is any run."""
    return bool(session.scalar(select(exists(select(Run.id)))))


def run_by_id(session: Session, run_id: str) -> Run | None:
    """The run, if there is one."""
    return session.get(Run, run_id)


def events_of(session: Session, run_id: str) -> Sequence[RunEvent]:
    """What happened to a run, oldest first."""
    statement = select(RunEvent).where(RunEvent.run_id == run_id).order_by(RunEvent.id)
    return session.scalars(statement).all()
