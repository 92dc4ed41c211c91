"""Statements about what runs report and save: measurements, frames, probes, checkpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.db.models import Checkpoint, Frame, Measurement, Probe


def measurements_after(
    session: Session, run_id: str, after: int, *, limit: int | None = None
) -> Sequence[Measurement]:
    """Whole measurements past a cursor, in order."""
    statement = (
        select(Measurement)
        .where(Measurement.run_id == run_id, Measurement.sequences > after)
        .order_by(Measurement.sequences)
        .limit(limit)
    )
    return session.scalars(statement).all()


def columns_between(
    session: Session,
    run_id: str,
    columns: Sequence[ColumnElement[float]],
    *,
    after: int = -1,
    until: int | None = None,
    limit: int | None = None,
) -> Sequence[tuple[int, datetime, tuple[float, ...]]]:
    """`sequences`, `computed_at` and the given numbers of a range's measurements, in order."""
    chosen: Sequence[ColumnElement[Any]] = [Measurement.computed_at.expression, *columns]
    statement = (
        select(Measurement.sequences, *chosen)
        .where(Measurement.run_id == run_id, Measurement.sequences > after)
        .order_by(Measurement.sequences)
        .limit(limit)
    )
    if until is not None:
        statement = statement.where(Measurement.sequences <= until)
    return [(row[0], row[1], row[2:]) for row in session.execute(statement)]


def number_of(metric: str, *place: int) -> ColumnElement[float]:
    """One number of an array of `Measurement`, by 0-based place; SQL counts from 1."""
    column: Any = getattr(Measurement, metric)
    for index in place:
        column = column[index + 1]
    labelled: ColumnElement[float] = column
    return labelled


def frame_sequences(session: Session, run_id: str, *, since: int = 0) -> Sequence[int]:
    """Where there are frames, in order, from `since` on."""
    statement = (
        select(Frame.sequences)
        .where(Frame.run_id == run_id, Frame.sequences >= since)
        .order_by(Frame.sequences)
    )
    return session.scalars(statement).all()


def frame_at(session: Session, run_id: str, sequences: int) -> Frame | None:
    """The last frame at or before a place."""
    statement = (
        select(Frame)
        .where(Frame.run_id == run_id, Frame.sequences <= sequences)
        .order_by(Frame.sequences.desc())
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def probe_of(session: Session, run_id: str) -> Probe | None:
    """The probe that a run's frames show."""
    return session.get(Probe, run_id)


def checkpoints_of(session: Session, run_id: str) -> Sequence[Checkpoint]:
    """Saved weights, oldest first."""
    statement = select(Checkpoint).where(Checkpoint.run_id == run_id).order_by(Checkpoint.sequences)
    return session.scalars(statement).all()


def checkpoint_at(session: Session, run_id: str, sequences: int) -> Checkpoint | None:
    """The checkpoint at exactly this place."""
    return session.get(Checkpoint, (run_id, sequences))
