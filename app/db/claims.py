"""Who may write to a run: the attempt that claimed its row last, as long as its lease is kept."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.db.models import Moment, Run
from app.schemas.state import ACTIVE, CLAIMABLE, RunState


def take(session: Session, run_id: str, *, worker: str, lease_seconds: float) -> int | None:
    """The attempt's number if the run waited for a worker; None if somebody else has it.

    One conditional UPDATE: of two workers that try, the second waits for the first's transaction
    and then finds nothing to take. `services.attempts.claim` moves the run in the same
    transaction.
    """
    statement = (
        update(Run)
        .where(Run.id == run_id, Run.state.in_(CLAIMABLE))
        .values(
            attempt=Run.attempt + 1,
            fruitless_attempts=Run.fruitless_attempts + 1,  # until it measures something new
            lease_until=lease_end(lease_seconds),
            worker=worker,
        )
        .returning(Run.attempt)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(statement).one_or_none()


def hold(session: Session, run_id: str, attempt: int) -> Run | None:
    """The run, locked until the transaction ends, if the attempt still owns it."""
    statement = (
        select(Run)
        .where(Run.id == run_id, Run.attempt == attempt, Run.state.in_(ACTIVE))
        .with_for_update()
    )
    return session.scalars(statement).one_or_none()


def renew(run: Run, lease_seconds: float) -> None:
    """Puts the end of a held run's lease off."""
    run.lease_until = lease_end(lease_seconds)


def renew_start(session: Session, run_id: str, attempt: int, lease_seconds: float) -> None:
    """Puts the end of the lease off while the trainer starts and cannot do so itself."""
    statement = (
        update(Run)
        .where(Run.id == run_id, Run.attempt == attempt, Run.state == RunState.STARTING)
        .values(lease_until=lease_end(lease_seconds))
        .execution_options(synchronize_session=False)
    )
    session.execute(statement)


def state_of(session: Session, run_id: str, attempt: int) -> RunState | None:
    """The run's state, unlocked; None when it is gone or another attempt's."""
    statement = select(Run.state).where(Run.id == run_id, Run.attempt == attempt)
    state = session.scalars(statement).one_or_none()
    return None if state is None else RunState(state)


def lease_end(seconds: float) -> ColumnElement[datetime]:
    """That long from now, by the database's clock: the only one that all processes share."""
    return func.clock_timestamp(type_=Moment) + timedelta(seconds=seconds)
