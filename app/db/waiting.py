"""Statements about runs that wait for a worker: who is next, and who can go along."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Exists,
    ScalarSelect,
    Select,
    Subquery,
    cast,
    func,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.db.locks import WRITING
from app.db.models import Checkpoint, Run, StudyRunRow
from app.schemas.state import CLAIMABLE, TERMINAL

T = TypeVar("T")


def next_in_line(session: Session) -> Run | None:
    """The run that is trained next, locked; runs that somebody else holds are passed over.

    By priority; then studies take turns, the one that began a run longest ago first (runs of no
    study share a turn); then the oldest.
    """
    served = _served()
    statement = (
        select(Run)
        .join(served, served.c.study == _study(Run.id))
        .where(Run.state.in_(CLAIMABLE), ~is_kept_waiting())
        .order_by(
            Run.priority.desc(), served.c.began_at.asc().nulls_first(), Run.created_at, Run.id
        )
        .limit(1)
        # Whoever is passed over is being cancelled, paused or renamed right now. If it was the
        # only one, this worker goes idle, and the reaper wakes one up for it later.
        .with_for_update(of=Run, skip_locked=True, **WRITING)
    )
    return session.scalars(statement).one_or_none()


def companions_of(session: Session, first: Run, *, limit: int) -> list[Run]:
    """Runs that can be trained with it, locked: by priority, those of its study first."""
    # Who else may want these rows are users, since planners wait for each other: what one of them
    # holds is passed over, and what one has changed no longer fits.
    own = select(_study(Run.id)).where(Run.id == first.id).scalar_subquery()
    statement = (
        _compatible(select(Run), first)
        .order_by(Run.priority.desc(), (_study(Run.id) == own).desc(), Run.created_at, Run.id)
        .limit(limit)
        .with_for_update(of=Run, skip_locked=True, **WRITING)
    )
    return list(session.scalars(statement))


def count_companions(session: Session, first: Run) -> int:
    """How many runs wait that can be trained with it."""
    # Unlocked, and so only good for a share: some may be gone when they are to be locked.
    return session.scalars(_compatible(select(func.count()).select_from(Run), first)).one()


def count(session: Session) -> int:
    """How many runs wait for a worker; unlocked, too."""
    found = select(func.count()).select_from(Run)
    return session.scalars(found.where(Run.state.in_(CLAIMABLE), ~is_kept_waiting())).one()


def _compatible(statement: Select[T], first: Run) -> Select[T]:
    """Those that wait and have its key. One whose last attempt came to nothing, or whose cohort
    failed as a whole, is tried alone, so that what harms its trainer harms nobody else."""
    return statement.where(
        Run.state.in_(CLAIMABLE),
        ~is_kept_waiting(),
        Run.cohort_key == first.cohort_key,
        Run.cohort_key != "",
        Run.fruitless_attempts == 0,
        ~Run.alone,
        Run.id != first.id,
    )


def is_kept_waiting() -> Exists:
    """Whether a run awaits a checkpoint that is not there."""
    awaited = func.unnest(Run.awaits).column_valued("awaited")
    return select(awaited).where(~_is_saved(awaited)).correlate(Run).exists()


def awaiting_in_vain(session: Session) -> Sequence[Run]:
    """Waiting runs of which a donor has ended, or is gone, without the checkpoint they await;
    locked, those that somebody else holds left out."""
    awaited, donor = func.unnest(Run.awaits).column_valued("awaited"), aliased(Run)
    goes_on = select(donor.id).where(donor.id == _run_of(awaited), donor.state.not_in(TERMINAL))
    lost = select(awaited).where(~_is_saved(awaited), ~goes_on.exists()).correlate(Run)
    statement = (
        select(Run)
        .where(Run.state.in_(CLAIMABLE), lost.exists())
        .order_by(Run.id)
        .with_for_update(of=Run, skip_locked=True, **WRITING)
    )
    return session.scalars(statement).all()


def _is_saved(checkpoint: ColumnElement[str]) -> Exists:
    """Whether there is a checkpoint, said as `RUN@SEQUENCES`."""
    place = cast(func.split_part(checkpoint, "@", 2), BigInteger)
    own = (Checkpoint.run_id == _run_of(checkpoint), Checkpoint.sequences == place)
    return select(Checkpoint.run_id).where(*own).exists()


def _run_of(checkpoint: ColumnElement[str]) -> ColumnElement[str]:
    return func.split_part(checkpoint, "@", 1)


def _study(run_id: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """The study that a run was launched in, or nothing."""
    found: ScalarSelect[str] = (
        select(func.min(StudyRunRow.study_id))
        .where(StudyRunRow.run_id == run_id, ~StudyRunRow.is_reused)
        .scalar_subquery()
    )
    return func.coalesce(found, "")


def _served() -> Subquery:
    """When each study last began a run."""
    run = aliased(Run)
    study = _study(run.id).label("study")
    return select(study, func.max(run.started_at).label("began_at")).group_by(study).subquery()
