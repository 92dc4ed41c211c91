"""Numbers of many runs: the latest of each, and their curves in small."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, cast, func, select, true
from sqlalchemy.orm import Session

from app.db.models import MeasurementRow, Run

_TRAIN = 1  # the training evaluator's place in `Measurement.loss`, as SQL counts


def latest(number: ColumnElement[float]) -> ColumnElement[Any]:
    """A number of a run's last measurement, for statements about runs.

    `Run.sequences` says where that is: so it is one look at a key.
    """
    return (
        select(number)
        # `set_progress` writes `Run.sequences` in the transaction that adds the row, so it is
        # there. A resumed run keeps the place that it had reached until it is past it.
        .where(MeasurementRow.run_id == Run.id, MeasurementRow.sequences == Run.sequences)
        .correlate(Run)
        .scalar_subquery()
    )


def at(number: ColumnElement[float], place: int) -> ColumnElement[Any]:
    """A number of a run's last measurement at or before a place; of none that has not come so
    far. One look at a key."""
    return (
        select(number)
        .where(
            MeasurementRow.run_id == Run.id,
            MeasurementRow.sequences <= place,
            Run.sequences >= place,
        )
        .order_by(MeasurementRow.sequences.desc())
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )


class LossPoint(NamedTuple):
    """The training loss of a run at one place."""

    run_id: str
    sequences: int
    loss: float


def small_losses(session: Session, run_ids: Collection[str], points: int) -> Sequence[LossPoint]:
    """The training loss of several runs at so many places each, in order.

    A run's length is cut into so many equal parts; of each the last measurement is taken, and that
    before training. They are found in the index: so it costs the same whether a run has a hundred
    measurements or a million.
    """
    parts = func.generate_series(0, points).table_valued("part").render_derived("parts")
    part = parts.c.part
    upper = Run.total_sequences * part / points
    lower = Run.total_sequences * (part - 1) / points
    found = (
        select(MeasurementRow.sequences, MeasurementRow.loss[_TRAIN].label("loss"))
        .where(
            MeasurementRow.run_id == Run.id,
            MeasurementRow.sequences > _whole(lower),
            MeasurementRow.sequences <= _whole(upper),
        )
        .order_by(MeasurementRow.sequences.desc())
        .limit(1)
        .correlate(Run, parts)
        .lateral("found")
    )
    statement = (
        select(Run.id, found.c.sequences, found.c.loss)
        .join(parts, _whole(lower) < Run.sequences)
        .join(found, true())
        .where(Run.id.in_(run_ids))
        .order_by(Run.id, found.c.sequences)
    )
    return [LossPoint(*row) for row in session.execute(statement)]


def _whole(number: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.floor(number), BigInteger)
