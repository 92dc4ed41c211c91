"""Who may write to a run: the attempt that claimed its row last, as long as its lease is kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, func, select, tuple_, update
from sqlalchemy.orm import Session

from app.db.locks import WRITING
from app.db.models import INCLUDING_DELETED, Moment, Run
from app.schemas.measure import PhaseChange
from app.schemas.state import ACTIVE, CLAIMABLE, RunState


@dataclass(frozen=True, slots=True)
class Claim:
    """A trainer's right to a run, until somebody else has a later one."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a trainer must know of a run whose row it holds."""

    state: RunState
    sequences: int
    train_loss: float | None
    sequences_per_second: float | None
    fruitless_attempts: int
    phase: PhaseChange


_PHASE = tuple(PhaseChange.model_fields)
_STANDING = tuple(name for name in Standing.__slots__ if name != "phase")


def take(
    session: Session, run_ids: Sequence[str], *, worker: str, lease_seconds: float
) -> list[Claim]:
    """Claims those of the runs that wait for a worker, in the order that they are given in.

    One conditional UPDATE: of two workers that try, the second waits for the first's transaction
    and then finds nothing to take. `services.attempts.claim` moves the runs in the same
    transaction.
    """
    statement = (
        update(Run)
        # Asked again of each row once it is locked: one that was cancelled or taken while we
        # waited for its lock no longer fits, and is left alone.
        .where(Run.id.in_(run_ids), Run.state.in_(CLAIMABLE))
        .values(
            # What fences the others off: every write of an older attempt asks for its own number
            # and finds nothing. Counted in the row, so that no two attempts get the same.
            attempt=Run.attempt + 1,
            fruitless_attempts=Run.fruitless_attempts + 1,  # until it measures something new
            # From here until the trainer's recorder is up, `renew_start` keeps it: a supervisor
            # that dies in between leaves a lease that the reaper sees end.
            lease_until=lease_end(lease_seconds),
            worker=worker,
        )
        .returning(Run.id, Run.attempt)
        .execution_options(synchronize_session=False)
    )
    # The session may hold these rows as they were; `move` reads them again under this lock.
    taken: dict[str, int] = dict(session.execute(statement).all())
    return [Claim(run_id, taken[run_id]) for run_id in run_ids if run_id in taken]


def hold_runs(session: Session, claims: Sequence[Claim]) -> Sequence[Run]:
    """The runs that their attempts still own, locked until the transaction ends."""
    # Locked, so that the reaper (which passes over locked rows), a cancel or a deletion comes
    # before this transaction or after it, never into it.
    statement = (
        select(Run)
        .where(_owned(claims))
        .order_by(Run.id)  # as `hold_all`, beside which supervisors do this
        .with_for_update(**WRITING)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def hold_all(session: Session, claims: Sequence[Claim]) -> dict[str, Standing]:
    """Where the runs stand that their attempts still own, locked until the transaction ends."""
    # Columns and not `Run` objects: nothing of a flush before stays in an identity map, and
    # building 32 objects a flush would take longer than the statement.
    columns = [Run.__table__.c[name] for name in ("id", *_PHASE, *_STANDING)]
    statement = (
        select(*columns)
        .where(_owned(claims))
        .order_by(Run.__table__.c.id)  # one order for all who lock several, see `app.db.locks`
        .with_for_update(**WRITING)
    )
    # Past the session, which would leave out the deleted: those have ended, and are not owned.
    found = session.connection().execute(statement, execution_options=INCLUDING_DELETED).mappings()
    return {row["id"]: _standing(row) for row in found}


def _standing(row: RowMapping) -> Standing:
    known = {name: row[name] for name in _STANDING}
    phase = PhaseChange(**{name: row[name] for name in _PHASE})
    return Standing(**known | {"state": RunState(row["state"])}, phase=phase)


def renew(session: Session, run_ids: Sequence[str], lease_seconds: float) -> None:
    """Puts the end of the leases of held runs off."""
    # Asks for no attempt: the caller holds these rows since `hold_all`, which has asked.
    statement = update(Run).where(Run.id.in_(run_ids)).values(lease_until=lease_end(lease_seconds))
    session.execute(statement.execution_options(synchronize_session=False))


def renew_start(
    session: Session, claims: Sequence[Claim], lease_seconds: float, states: Collection[RunState]
) -> None:
    """Puts the end of the leases of runs in `states` off, while the trainer cannot do so itself."""
    free = (
        select(Run.id)
        .where(_owned(claims), Run.state.in_(states))
        .order_by(Run.id)
        # What the recorder holds at this moment it renews by itself.
        .with_for_update(skip_locked=True, **WRITING)
    )
    renewed = update(Run).where(Run.id.in_(free.scalar_subquery()))
    session.execute(
        renewed.values(lease_until=lease_end(lease_seconds)),
        execution_options={"synchronize_session": False},
    )


def taken_by(session: Session, worker: str) -> Sequence[Run]:
    """The runs that a worker has taken and that no trainer has begun with, locked."""
    statement = select(Run).where(Run.worker == worker, Run.state == RunState.STARTING)
    return session.scalars(statement.order_by(Run.id).with_for_update(**WRITING)).all()


def states_of(session: Session, claims: Sequence[Claim]) -> dict[str, RunState]:
    """The states of the runs that their attempts still own, unlocked."""
    # Unlocked, so that a look four times a second holds no flush up. What follows from an answer
    # is asked again under `hold`, for it may be old by then.
    found = session.execute(select(Run.id, Run.state).where(_owned(claims)))
    return {run_id: RunState(state) for run_id, state in found}


def lease_end(seconds: float) -> ColumnElement[datetime]:
    """That long from now, by the database's clock: the only one that all processes share."""
    # Not `now()`, which is when the transaction began: one that has waited for a lock would give a
    # lease that is partly over already.
    return func.clock_timestamp(type_=Moment) + timedelta(seconds=seconds)


def _owned(claims: Sequence[Claim]) -> ColumnElement[bool]:
    """Whether a run is one of those, still of that attempt, and has not ended."""
    # Both are needed. The attempt alone would let a trainer write past an ending of its own run;
    # the state alone would let it write into the run of its successor.
    pairs = [(claim.run_id, claim.attempt) for claim in claims]
    return tuple_(Run.id, Run.attempt).in_(pairs) & Run.state.in_(ACTIVE)
