"""Statements about forks: the history that one shares, its parent and its siblings, its files."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, any_, literal, or_, select, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.locks import KEEPING, WRITING
from app.db.models import (
    INCLUDING_DELETED,
    Checkpoint,
    Frame,
    MeasurementRow,
    Probe,
    ResumePoint,
    Run,
    StudyRunRow,
)
from app.db.runs import held_runs

SHARED = 0  # the attempt of rows that no trainer of the run wrote: its parent's


def keep_from_deletion(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that there are, none of which can be deleted until the transaction ends."""
    # Their trainers go on writing meanwhile, see `WRITING`.
    return held_runs(session, run_ids, KEEPING)


def wait_for_keepers(session: Session, run_ids: Collection[str]) -> None:
    """Waits until nobody keeps the runs from deletion, and lets nobody begin to."""
    kept = select(Run.id).where(Run.id.in_(run_ids)).order_by(Run.id)
    session.execute(kept.with_for_update(), execution_options=INCLUDING_DELETED)


def take_unkept(session: Session, run_id: str) -> bool:
    """The same without waiting: whether nobody keeps or writes to the run, and now nobody can."""
    free = select(Run.id).where(Run.id == run_id).with_for_update(skip_locked=True)
    return session.scalar(free) is not None


def lock_families(session: Session, run_ids: Collection[str]) -> None:
    """Locks runs and their forks, for what is written to all of them."""
    # The statements that write to forks (a new name, SET NULL by a deleted parent) lock them after
    # their parent, which may be higher in id: a recorder that has both would deadlock with them.
    family = select(Run.id).where(or_(Run.id.in_(run_ids), Run.parent_id.in_(run_ids)))
    family = family.order_by(Run.id).with_for_update(**WRITING)
    session.execute(family, execution_options=INCLUDING_DELETED)


def copy_history(session: Session, parent_id: str, fork_id: str, *, at: int) -> None:
    """Gives a fork what its parent reported before the fork, and the weights it starts from.

    What was measured at the fork is left out: the fork measures there by its own program.
    """
    # The parent may be training on. Below a checkpoint nothing is missing, for a recorder commits
    # in the order of `sequences`, and a resumed parent writes the same numbers again.
    _copy(session, MeasurementRow, parent_id, fork_id, before=at)
    _copy(session, Frame, parent_id, fork_id, before=at)
    # Rows first, files never: from this commit on, `still_named` keeps the parent's files.
    _copy(session, Checkpoint, parent_id, fork_id, before=at + 1)
    _copy(session, Probe, parent_id, fork_id)


def _copy(
    session: Session, model: type[Base], parent_id: str, fork_id: str, *, before: int | None = None
) -> None:
    """Copies rows in the database, without reading them."""
    columns = model.__table__.columns
    changed: dict[str, ColumnElement[Any]] = {
        "run_id": literal(fork_id),
        "attempt": literal(SHARED),
    }
    values = [changed.get(one.name, one) for one in columns]
    copied = select(*values).where(columns["run_id"] == parent_id)
    if before is not None:
        copied = copied.where(columns["sequences"] < before)
    # One statement a table is one snapshot: a flush of the parent is in it as a whole or not at
    # all.
    session.execute(insert(model).from_select([one.name for one in columns], copied))


def drop_optimiser(session: Session, run_id: str, sequences: int) -> None:
    """Says that the optimiser in a shared file is not this run's."""
    statement = update(Checkpoint).values(has_optimiser=False)
    where = (Checkpoint.run_id == run_id, Checkpoint.sequences == sequences)
    session.execute(statement.where(*where))


def last_before(session: Session, run_id: str, *, before: int) -> MeasurementRow | None:
    """The last measurement below `before`."""
    statement = (
        select(MeasurementRow)
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences < before)
        .order_by(MeasurementRow.sequences.desc())
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def forks_of(session: Session, run_id: str) -> Sequence[Run]:
    """The runs that were forked from this one, oldest first."""
    statement = select(Run).where(Run.parent_id == run_id).order_by(Run.created_at, Run.id)
    return session.scalars(statement).all()


def relatives_of(session: Session, run: Run, *, limit: int) -> Sequence[Run]:
    """The runs of its studies, its parent, its siblings and its forks, newest first."""
    studies = select(StudyRunRow.study_id).where(StudyRunRow.run_id == run.id)
    in_studies = select(StudyRunRow.run_id).where(StudyRunRow.study_id.in_(studies))
    parent = select(Run.id).where(Run.id == run.parent_id)
    forks = select(Run.id).where(Run.parent_id.in_([run.id, run.parent_id]))
    # Each found by an index of its own; joined by OR they are looked for in every run there is.
    related = union(in_studies, parent, forks).subquery()
    statement = (
        select(Run)
        .where(Run.id != run.id, Run.id.in_(select(related.c.run_id)))
        .order_by(Run.created_at.desc(), Run.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def file_urls(session: Session, run_ids: Collection[str]) -> dict[str, set[str]]:
    """Every file that rows of these runs name, by run."""
    found: dict[str, set[str]] = {run_id: set() for run_id in run_ids}
    for model in (Checkpoint, ResumePoint):
        rows = session.execute(select(model.run_id, model.url).where(model.run_id.in_(run_ids)))
        for run_id, url in rows:
            found[run_id].add(url)
    return found


def still_named(session: Session, urls: Collection[str]) -> set[str]:
    """Which of these files any row names."""
    # To be asked after the deleted rows are flushed, under the lock of the deleters: of two
    # deletions side by side, each would see the other's rows and neither remove the file. A fork
    # that has just begun is seen too: its lock kept the parent's deletion waiting for its commit.
    # One array: parameters of thousands of files would take longer than the look.
    wanted = any_(literal(list(urls), ARRAY(Text)))
    named = [select(model.url).where(model.url == wanted) for model in (Checkpoint, ResumePoint)]
    return set(session.scalars(union(*named)))


def rename_parent(session: Session, run_id: str, name: str) -> None:
    """Tells a run's forks its new name."""
    # Relies on `lock_families`: it would lock the forks in no order of their own.
    statement = update(Run).where(Run.parent_id == run_id).values(parent_name=name)
    session.execute(statement, execution_options=INCLUDING_DELETED)
