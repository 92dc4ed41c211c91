"""Statements about what is kept: checkpoints that may go, and files that are to be removed."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Exists, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.db.models import INCLUDING_DELETED, Analysis, Checkpoint, FileRemoval, Moment, Run
from app.schemas.retention import Keep
from app.schemas.state import TERMINAL, RunState


def ended_runs_to_thin(session: Session, *, since: timedelta, limit: int) -> Sequence[str]:
    """Runs that ended so long ago and whose checkpoints were not looked at since."""
    statement = (
        select(Run.id)
        .where(
            Run.state.in_(TERMINAL),
            Run.keep_checkpoints == Keep.USUAL,
            Run.thinned_at.is_(None),
            Run.finished_at < func.clock_timestamp(type_=Moment) - since,
            ~_asked(Run.id),
        )
        .order_by(Run.finished_at)
        .limit(limit)
    )
    return session.scalars(statement).all()


def training_runs_to_thin(session: Session, *, most: int, limit: int) -> Sequence[str]:
    """Runs in training that have more checkpoints than that."""
    saved = select(func.count()).where(Checkpoint.run_id == Run.id).scalar_subquery()
    statement = (
        select(Run.id)
        .where(
            Run.state == RunState.RUNNING,
            Run.keep_checkpoints == Keep.USUAL,
            ~_asked(Run.id),
            saved > most,
        )
        .order_by(Run.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def is_asked(session: Session, run_id: str) -> bool:
    """Whether an analysis of the run waits or is being done: it may look at any checkpoint."""
    return bool(session.scalar(select(_asked(literal(run_id)))))


def _asked(run_id: ColumnElement[str] | InstrumentedAttribute[str]) -> Exists:
    going = (Analysis.run_id == run_id, Analysis.state.not_in(TERMINAL))
    return select(Analysis.id).where(*going).exists()


def checkpoints(session: Session, run_id: str) -> Sequence[Checkpoint]:
    """The checkpoints of a run, in order."""
    statement = select(Checkpoint).where(Checkpoint.run_id == run_id)
    return session.scalars(statement.order_by(Checkpoint.sequences)).all()


def needed_by_others(session: Session, run_id: str) -> set[int]:
    """Places of a run that forks began at, or that any program grafts from; also of those that are
    deleted and can be restored."""
    forks = select(Run.forked_at).where(Run.parent_id == run_id, Run.forked_at.is_not(None))
    path = cast("$.program[*].checkpoint ? (@ starts with $donor)", JSONPATH)
    named = func.jsonb_path_query(Run.config, path, cast({"donor": f"{run_id}@"}, JSONB))
    grafts = session.scalars(select(named), execution_options=INCLUDING_DELETED).all()
    begun = session.scalars(forks, execution_options=INCLUDING_DELETED)
    return {*begun} | {int(str(one).rpartition("@")[2]) for one in grafts}


def drop_checkpoints(session: Session, run_id: str, places: Collection[int]) -> None:
    """Forgets checkpoints of a run; their files are noted by the caller."""
    where = (Checkpoint.run_id == run_id, Checkpoint.sequences.in_(places))
    session.execute(delete(Checkpoint).where(*where))


def note_removals(session: Session, urls: Collection[str]) -> None:
    """Writes down files (and folders, which end in a slash) that are to be removed."""
    if urls:
        rows = [{"url": url} for url in sorted(urls)]
        session.execute(insert(FileRemoval).values(rows).on_conflict_do_nothing())


def removals(session: Session, *, since: timedelta, limit: int) -> Sequence[str]:
    """Files that were to be removed so long ago and have not been."""
    statement = (
        select(FileRemoval.url)
        .where(FileRemoval.noted_at < func.clock_timestamp(type_=Moment) - since)
        .order_by(FileRemoval.noted_at)
        .limit(limit)
    )
    return session.scalars(statement).all()


def forget_removals(session: Session, urls: Collection[str]) -> None:
    """Forgets files that are removed."""
    session.execute(delete(FileRemoval).where(FileRemoval.url.in_(urls)))
