"""Statements about analyses: who is next, who may write, what was found."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.claims import lease_end
from app.db.locks import WRITING
from app.db.models import Analysis, AnalysisPart, Moment, Run
from app.schemas.state import ACTIVE, CLAIMABLE, TERMINAL, RunState

_ENDED = select(Run.id).where(Run.id == Analysis.run_id, Run.state.in_(TERMINAL))
_CAN_BE_DONE = or_(Analysis.total > 0, _ENDED.exists())  # no parts: its run is awaited


def analysis_by_id(session: Session, analysis_id: str) -> Analysis | None:
    """The analysis, if there is one."""
    return session.get(Analysis, analysis_id)


def locked(session: Session, analysis_id: str) -> Analysis | None:
    """The analysis as it is now, locked until the transaction ends."""
    statement = select(Analysis).where(Analysis.id == analysis_id).with_for_update(**WRITING)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def next_waiting(session: Session) -> Analysis | None:
    """The one that has waited longest for a worker, locked; what somebody else holds is passed
    over, and so is what waits for its run."""
    statement = (
        select(Analysis)
        .where(Analysis.state.in_(CLAIMABLE), _CAN_BE_DONE)
        .order_by(Analysis.created_at, Analysis.id)
        .limit(1)
        .with_for_update(skip_locked=True, **WRITING)
    )
    return session.scalars(statement).one_or_none()


def held(session: Session, analysis_id: str, attempt: int) -> Analysis | None:
    """The analysis if this attempt still owns it, locked until the transaction ends."""
    found = locked(session, analysis_id)
    owns = found is not None and found.attempt == attempt and found.state in ACTIVE
    return found if owns else None


def renew(
    session: Session, analysis_id: str, attempt: int, seconds: float
) -> tuple[RunState, int] | None:
    """Puts the end of the lease off; the state and how many parts are done, or None if another has
    it by now."""
    owned = (Analysis.id == analysis_id, Analysis.attempt == attempt, Analysis.state.in_(ACTIVE))
    statement = update(Analysis).where(*owned).values(lease_until=lease_end(seconds))
    found = session.execute(statement.returning(Analysis.state, Analysis.done)).one_or_none()
    return None if found is None else (RunState(found.state), found.done)


def silent(session: Session) -> Sequence[Analysis]:
    """Active ones whose lease has expired, locked; those that somebody else holds are alive."""
    statement = (
        select(Analysis)
        .where(Analysis.state.in_(ACTIVE), Analysis.lease_until < func.clock_timestamp())
        .order_by(Analysis.created_at)
        .with_for_update(skip_locked=True, **WRITING)
    )
    return session.scalars(statement).all()


def waiting(session: Session, *, seconds: float, limit: int) -> Sequence[str]:
    """Ids of those that have waited for a worker for so long, the longest-waiting first."""
    long_ago = func.clock_timestamp(type_=Moment) - timedelta(seconds=seconds)
    statement = (
        select(Analysis.id)
        .where(Analysis.state.in_(CLAIMABLE), Analysis.moved_at < long_ago, _CAN_BE_DONE)
        .order_by(Analysis.created_at, Analysis.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def with_key(session: Session, cache_key: str) -> Analysis | None:
    """The latest analysis of the same question that may still be, or is, answered."""
    hopeless = (RunState.FAILED, RunState.STOPPING, RunState.CANCELLED)
    statement = (
        select(Analysis)
        .where(Analysis.cache_key == cache_key, Analysis.state.not_in(hopeless))
        .order_by(Analysis.created_at.desc())
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def page_of(
    session: Session, *, run_id: str | None, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Analysis]:
    """The newest first, of one run or of all."""
    statement = select(Analysis).order_by(Analysis.created_at.desc(), Analysis.id.desc())
    if run_id is not None:
        statement = statement.where(Analysis.run_id == run_id)
    if after is not None:
        statement = statement.where(tuple_(Analysis.created_at, Analysis.id) < after)
    return session.scalars(statement.limit(limit)).all()


def of_runs(session: Session, run_ids: Collection[str]) -> Sequence[Analysis]:
    """All analyses of some runs, the oldest first."""
    statement = select(Analysis).where(Analysis.run_id.in_(run_ids))
    return session.scalars(statement.order_by(Analysis.created_at, Analysis.id)).all()


def add_part(session: Session, analysis_id: str, place: int, found: Mapping[str, Any]) -> None:
    """Writes a part; one that is there already, after a commit whose answer was lost, stays."""
    values = {"analysis_id": analysis_id, "place": place, "found": dict(found)}
    session.execute(insert(AnalysisPart).values(values).on_conflict_do_nothing())


def places_done(session: Session, analysis_id: str) -> set[int]:
    """Which parts are there."""
    own = AnalysisPart.analysis_id == analysis_id
    return set(session.scalars(select(AnalysisPart.place).where(own)))


def parts_of(session: Session, analysis_id: str) -> list[dict[str, Any]]:
    """What was found so far, in order."""
    own = AnalysisPart.analysis_id == analysis_id
    statement = select(AnalysisPart.found).where(own).order_by(AnalysisPart.place)
    return list(session.scalars(statement))
