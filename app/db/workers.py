"""Statements about workers: who is there, and what each has in hand."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Double, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.models import Analysis, MeasurementRow, Moment, Run, RunEvent, Worker
from app.schemas.state import ACTIVE, CLAIMABLE

HEARD = timedelta(seconds=10)  # a worker that was silent for longer may be gone
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Description:
    """What a worker says of itself."""

    name: str  # as in `Run.worker`
    host: str
    pid: int
    device: str
    cores: int
    memory: int  # bytes
    memory_free: int
    torch: str  # its version
    disk: int | None = None  # bytes, of the fullest that it writes to
    disk_free: int | None = None
    trouble: str = ""  # why it cannot train, if it cannot


@dataclass(frozen=True, slots=True)
class Here:
    """A worker of one machine, as its health is judged."""

    name: str
    pid: int
    trouble: str
    is_heard: bool


@dataclass(frozen=True, slots=True)
class InHand:
    """A run that a worker trains, or gets ready for, as its going on is judged."""

    worker: str
    run_id: str
    state: str
    overdue: bool  # its lease has ended
    moved_seconds: float  # since anything happened to it, by the database's clock
    measured_at: datetime | None  # when it was last measured, by the clock of its machine
    sequences_per_second: float | None
    evaluate_every: int  # sequences


class Largest(NamedTuple):
    """The most that a worker has, of those that were heard of lately; None: nobody said."""

    memory: int | None  # bytes, of its machine
    disk_free: int | None


def largest(session: Session) -> Largest:
    """What there is room for on some worker."""
    found = session.execute(select(func.max(Worker.memory), func.max(Worker.disk_free))).one()
    return Largest(found[0], found[1])


def report(session: Session, described: Description) -> None:
    """Says that a worker is there, and what it is; forgets those long gone."""
    row = asdict(described)
    seen = {**row, "seen_at": func.clock_timestamp()}
    statement = insert(Worker).values(**row)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=seen))
    session.execute(delete(Worker).where(Worker.seen_at < _ago(FORGOTTEN)))


def remove(session: Session, name: str) -> None:
    """Forgets a worker that says goodbye."""
    session.execute(delete(Worker).where(Worker.name == name))


def busy_beside(session: Session, name: str) -> int:
    """How many other workers of the same machine train or analyse, of those heard of just now."""
    own = select(Worker.host).where(Worker.name == name).scalar_subquery()
    trains = select(Run.id).where(Run.worker == Worker.name, Run.state.in_(ACTIVE)).exists()
    asks = (Analysis.worker == Worker.name, Analysis.state.in_(ACTIVE))
    analyses = select(Analysis.id).where(*asks).exists()
    others = (Worker.host == own, Worker.name != name, Worker.seen_at > _ago(HEARD))
    count = select(func.count()).select_from(Worker).where(*others, or_(trains, analyses))
    return session.scalars(count).one()


def of_host(session: Session, host: str) -> list[Here]:
    """The workers of a machine, those that were not heard of lately, too."""
    statement = select(Worker.name, Worker.pid, Worker.trouble, Worker.seen_at > _ago(HEARD))
    return [Here(*row) for row in session.execute(statement.where(Worker.host == host))]


def in_hand(session: Session, names: Sequence[str]) -> list[InHand]:
    """What these workers train; in a time that does not grow with what was measured."""
    moved = select(func.max(RunEvent.at)).where(RunEvent.run_id == Run.id).scalar_subquery()
    of_run = select(MeasurementRow.computed_at).where(MeasurementRow.run_id == Run.id)
    last = of_run.order_by(MeasurementRow.sequences.desc()).limit(1)
    statement = select(
        Run.worker,
        Run.id,
        Run.state,
        Run.lease_until < func.clock_timestamp(),
        func.extract("epoch", func.clock_timestamp() - func.coalesce(moved, Run.created_at)),
        last.scalar_subquery(),
        Run.sequences_per_second,
        Run.config["recording"]["evaluate_every"].as_integer(),
    ).where(Run.worker.in_(names), Run.state.in_(ACTIVE))
    return [
        InHand(worker, run, state, overdue, float(moved), *rest)
        for worker, run, state, overdue, moved, *rest in session.execute(statement)
    ]


def have_work(session: Session, names: Sequence[str]) -> bool | None:
    """Whether any of these workers trains or analyses; None while one was not heard of yet."""
    heard = select(func.count()).select_from(Worker).where(Worker.name.in_(names))
    if session.scalars(heard).one() < len(names):
        return None
    trains = select(Run.id).where(Run.worker.in_(names), Run.state.in_(ACTIVE)).exists()
    asked = select(Analysis.id).where(Analysis.worker.in_(names), Analysis.state.in_(ACTIVE))
    return bool(session.scalar(select(or_(trains, asked.exists()))))


def loads_of_others(session: Session, *, beside: str) -> list[float]:
    """What other workers that were heard of just now have left to train, in whole runs."""
    left = func.sum(1 - cast(Run.sequences, Double) / Run.total_sequences)
    statement = (
        select(func.coalesce(left, 0.0))
        .select_from(Worker)
        .outerjoin(Run, (Run.worker == Worker.name) & Run.state.in_(ACTIVE))
        .where(Worker.name != beside, Worker.seen_at > _ago(HEARD), Worker.trouble == "")
        .group_by(Worker.name)
    )
    return [float(load) for load in session.scalars(statement)]


def all_workers(session: Session) -> Sequence[tuple[Worker, bool]]:
    """Every worker, and whether it was heard of just now; the oldest first."""
    statement = select(Worker, Worker.seen_at > _ago(HEARD)).order_by(
        Worker.started_at, Worker.name
    )
    return [(worker, heard) for worker, heard in session.execute(statement)]


def runs_in_hand(session: Session) -> Sequence[Run]:
    """Runs that a trainer has, the oldest first."""
    statement = select(Run).where(Run.state.in_(ACTIVE)).order_by(Run.created_at, Run.id)
    return session.scalars(statement).all()


def queue(session: Session) -> tuple[int, float | None]:
    """How many runs wait for a worker, and the seconds since the first of them began to."""
    since = select(func.max(RunEvent.at)).where(RunEvent.run_id == Run.id).scalar_subquery()
    waiting = select(Run.id, since.label("since")).where(Run.state.in_(CLAIMABLE)).subquery()
    age = func.extract("epoch", func.clock_timestamp() - func.min(waiting.c.since))
    count, oldest = session.execute(select(func.count(waiting.c.id), age)).one()
    return count, None if oldest is None else float(oldest)


def _ago(time: timedelta) -> ColumnElement[datetime]:
    return func.clock_timestamp(type_=Moment) - time
