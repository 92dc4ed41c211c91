"""Statements about runs, each named for its question."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import cast, func, select, union_all, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Session, aliased

from app.db.locks import WRITING
from app.db.models import INCLUDING_DELETED, Moment, Run, RunEvent
from app.db.waiting import is_kept_waiting
from app.schemas.datasets import FILE
from app.schemas.state import ACTIVE, CLAIMABLE, TERMINAL, RunState

ALIKE_AMONG = 10_000  # runs
_NEWEST_FIRST = (Run.created_at.desc(), Run.id.desc())
TIMED_SEQUENCES = 50_000  # of a run, from which its speed says how long others will take


def now(session: Session) -> datetime:
    """The database's clock: the only one that all processes share."""
    return session.scalars(select(func.clock_timestamp(type_=Moment))).one()


def answers(session: Session) -> bool:
    """Whether the database is there at all (or an error of the driver)."""
    return bool(session.scalars(select(1)).one())


def unfinished_with_grafts(session: Session) -> Sequence[Run]:
    """Runs that have not ended and take layers from a checkpoint."""
    grafts = func.jsonb_path_exists(Run.config, cast("$.program[*].checkpoint", JSONPATH))
    # Sees what is committed. A launch that has checked its grafts and is not committed yet is not
    # seen by a deletion, nor does its check hold the donor.
    states = [state.value for state in RunState if state not in TERMINAL]
    return session.scalars(select(Run).where(Run.state.in_(states), grafts)).all()


def run_by_id(session: Session, run_id: str) -> Run | None:
    """The run, if there is one."""
    return session.get(Run, run_id)


def runs_by_id(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that there are."""
    found = session.scalars(select(Run).where(Run.id.in_(run_ids)))
    return {run.id: run for run in found}


def known_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the ids that are runs."""
    return set(session.scalars(select(Run.id).where(Run.id.in_(run_ids))))


def kept_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the ids that are runs, or deleted ones that can be restored."""
    statement = select(Run.id).where(Run.id.in_(run_ids))
    return set(session.scalars(statement, execution_options=INCLUDING_DELETED))


def deleted_run(session: Session, run_id: str) -> Run | None:
    """The run, if it is deleted and can be restored."""
    statement = select(Run).where(Run.id == run_id, Run.deleted_at.is_not(None))
    return session.scalars(statement, execution_options=INCLUDING_DELETED).one_or_none()


def overdue_deleted(session: Session, *, limit: int) -> Sequence[str]:
    """Deleted runs whose time to be restored is over."""
    is_over = Run.deleted_at.is_not(None) & (Run.kept_until < func.clock_timestamp())
    statement = select(Run.id).where(is_over).order_by(Run.kept_until).limit(limit)
    return session.scalars(statement, execution_options=INCLUDING_DELETED).all()


def mark_deleted(session: Session, run_ids: Collection[str], grace: timedelta) -> None:
    """Hides runs, that the caller has locked, for the time that they can be restored."""
    now = func.clock_timestamp(type_=Moment)
    statement = update(Run).where(Run.id.in_(run_ids))
    session.execute(
        statement.values(deleted_at=now, kept_until=now + grace),
        execution_options={"synchronize_session": False},
    )


def unmark_deleted(session: Session, run_ids: Collection[str]) -> None:
    """Shows deleted runs again, that the caller has locked."""
    statement = update(Run).where(Run.id.in_(run_ids)).values(deleted_at=None, kept_until=None)
    options = {**INCLUDING_DELETED, "synchronize_session": False}
    session.execute(statement, execution_options=options)


def all_ended(session: Session, run_ids: Sequence[str]) -> bool:
    """Whether none of these runs will go on by itself."""
    going = select(Run.id).where(Run.id.in_(run_ids), Run.state.not_in(TERMINAL))
    return not session.scalars(select(going.exists())).one()


def locked_run(session: Session, run_id: str) -> Run | None:
    """The run as it is now, locked until the transaction ends."""
    # `populate_existing`: else an object that the session knows already would keep what it was
    # before somebody else had the lock.
    return session.get(Run, run_id, with_for_update=WRITING, populate_existing=True)


def names_of_runs(session: Session, run_ids: Sequence[str]) -> dict[str, tuple[str, RunState]]:
    """The names and states of those of the runs that there are, by id."""
    statement = select(Run.id, Run.name, Run.state).where(Run.id.in_(run_ids))
    return {row.id: (row.name, RunState(row.state)) for row in session.execute(statement)}


class RunMention(NamedTuple):
    """A run as it is mentioned."""

    id: str
    name: str
    state: RunState


def newest_runs(session: Session, *, limit: int) -> list[RunMention]:
    """The newest runs, the last one first."""
    statement = select(Run.id, Run.name, Run.state).order_by(Run.created_at.desc(), Run.id.desc())
    found = session.execute(statement.limit(limit))
    return [RunMention(row.id, row.name, RunState(row.state)) for row in found]


def runs_by_state(session: Session) -> dict[RunState, int]:
    """How many runs there are in every state that has any."""
    # All, less those that are deleted: either is counted in an index alone, where every row would
    # have to be read for whether it is deleted.
    all_of_them = select(Run.state, func.count().label("runs")).group_by(Run.state)
    deleted = select(Run.state, -func.count()).where(Run.deleted_at.is_not(None))
    both = union_all(all_of_them, deleted.group_by(Run.state)).subquery()
    count = func.sum(both.c.runs)
    statement = select(both.c.state, count).group_by(both.c.state).having(count > 0)
    found = session.execute(statement, execution_options=INCLUDING_DELETED)
    return {RunState(state): int(number) for state, number in found}


def rates_of_alike(
    session: Session, model: dict[str, Any], batch_size: int, *, limit: int
) -> Sequence[tuple[float, int]]:
    """Sequences per second of the latest runs with this model and batch size, and how many shared
    the trainer, as far as they went far enough to tell: the first reports have starting and
    compiling in them. Among the newest runs: where none is alike, all of a table would be read."""
    newest = aliased(Run, select(Run).order_by(*_NEWEST_FIRST).limit(ALIKE_AMONG).subquery())
    statement = (
        select(newest.sequences_per_second, func.coalesce(newest.companions, 0) + 1)
        .where(
            newest.config["model"] == cast(model, JSONB),
            newest.config[("training", "batch_size")].as_integer() == batch_size,
            newest.sequences_per_second > 0,
            newest.sequences >= TIMED_SEQUENCES,
        )
        .order_by(newest.created_at.desc())
        .limit(limit)
    )
    return [(rate, together) for rate, together in session.execute(statement) if rate]


def latest_starts(session: Session, *, limit: int) -> list[float]:
    """How long the latest attempts took from being taken to their training, in seconds."""
    began = (
        select(RunEvent.id, RunEvent.run_id, RunEvent.at)
        .where(RunEvent.kind == RunState.RUNNING)
        .order_by(RunEvent.id.desc())
        .limit(limit)
        .subquery()
    )
    taken = (
        select(func.max(RunEvent.at))
        .where(
            RunEvent.run_id == began.c.run_id,
            RunEvent.id < began.c.id,
            RunEvent.kind == RunState.STARTING,
        )
        .correlate(began)
        .scalar_subquery()
    )
    found = session.execute(select(began.c.at, taken))
    return [(at - since).total_seconds() for at, since in found if since is not None]


def events_of(session: Session, run_id: str) -> Sequence[RunEvent]:
    """What happened to a run, oldest first."""
    statement = select(RunEvent).where(RunEvent.run_id == run_id).order_by(RunEvent.id)
    return session.scalars(statement).all()


def locked_runs(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that there are, as they are now, locked until the transaction ends."""
    return held_runs(session, run_ids, WRITING)


def locked_kept_runs(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """The same with deleted ones that can be restored."""
    return held_runs(session, run_ids, WRITING, INCLUDING_DELETED)


def held_runs(
    session: Session,
    run_ids: Collection[str],
    how: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
) -> dict[str, Run]:
    """Those of the runs that there are, held as `app.db.locks` says, in the order of all who do."""
    statement = (
        select(Run)
        .where(Run.id.in_(run_ids))
        .order_by(Run.id)
        .with_for_update(**how)
        .execution_options(populate_existing=True, **(options or {}))
    )
    return {run.id: run for run in session.scalars(statement)}


def silent_runs(session: Session) -> Sequence[Run]:
    """Active runs whose lease has expired, locked; those that somebody else holds are alive."""
    statement = (
        select(Run)
        # The database's clock has also given the lease: a web server whose own clock is wrong ends
        # none too early.
        .where(Run.state.in_(ACTIVE), Run.lease_until < func.clock_timestamp())
        .order_by(Run.created_at)
        # Who holds the row is writing to it at this moment, and may be renewing the lease; to wait
        # would keep those locked that are found already.
        .with_for_update(skip_locked=True, **WRITING)
    )
    return session.scalars(statement).all()


def waiting_runs(session: Session, *, seconds: float, limit: int) -> Sequence[str]:
    """Ids of runs that have waited for a worker for so long, the longest-waiting first."""
    since = select(func.max(RunEvent.at)).where(RunEvent.run_id == Run.id).scalar_subquery()
    long_ago = func.clock_timestamp(type_=Moment) - timedelta(seconds=seconds)
    statement = (
        select(Run.id)
        # Patience, so that a run whose wake-up is on its way, or whose worker is planning, is not
        # announced twice. Nothing is locked: twice would only wake a worker up for nothing.
        .where(
            Run.state.in_(CLAIMABLE),
            func.coalesce(since, Run.created_at) < long_ago,
            ~is_kept_waiting(),
        )
        .order_by(Run.created_at, Run.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def with_data_files(session: Session, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The configs of those runs that are trained from a file, by id."""
    dataset = Run.config[("task", "dataset")].as_string()
    statement = select(Run.id, Run.config).where(Run.id.in_(run_ids), dataset.startswith(FILE))
    return {row.id: row.config for row in session.execute(statement)}
