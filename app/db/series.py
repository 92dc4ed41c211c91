"""Statements about what runs report and save: measurements, frames, probes, checkpoints."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, distinct_on
from sqlalchemy.orm import Session

from app.db.engine import BINARY
from app.db.models import Checkpoint, Frame, MeasurementRow, Probe, Run
from app.db.packed import ArraysOfRows, packed, packed_arrays
from app.schemas.measure import EVALUATORS


class Columns(NamedTuple):
    """Some numbers of a range of a run's measurements: a column each, of equal length, in order."""

    sequences: Sequence[int]
    moments: Sequence[int]  # when they were computed, as `moment` reads it; only if asked for
    numbers: Sequence[Sequence[float]]


class Number(NamedTuple):
    """One number of every measurement: a metric, and where in its array."""

    metric: str
    place: tuple[int, ...] = ()


class Curve(NamedTuple):
    """One number of a run over the sequences that it saw."""

    run_id: str
    sequences: Sequence[int]
    numbers: Sequence[float]


Strengths = Sequence[Sequence[float]]  # [layer][head]

_SINCE = datetime(2000, 1, 1, tzinfo=UTC).timestamp()  # whence Postgres counts microseconds


def measurements_after(
    session: Session, run_id: str, after: int, *, limit: int | None = None
) -> Sequence[MeasurementRow]:
    """Whole measurements past a cursor, in order."""
    statement = (
        select(MeasurementRow)
        # Relies on a run's rows being committed in the order of `sequences`: a row that came later
        # below the cursor would never be read.
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences > after)
        .order_by(MeasurementRow.sequences)
        .limit(limit)
    )
    return session.scalars(statement).all()


def columns_of(
    session: Session,
    run_ids: Collection[str],
    wanted: Sequence[Number | ColumnElement[float]],
    *,
    after: int = -1,
    until: int | None = None,
    places: list[int] | None = None,
    with_moments: bool = False,
) -> dict[str, Columns]:
    """The given numbers of a whole range of several runs, or of some places in it; runs without
    measurements there are left out.

    One row of packed arrays a run. They are put in order here: most lie in order already, and
    Postgres would sort all rows of all runs.
    """
    keys = _keys(wanted)
    read = {key: _packed(one, key) for one, key in zip(wanted, keys, strict=True)}
    at = packed(MeasurementRow.sequences.expression, "q")
    moments: ColumnElement[Any] = literal(None)
    if with_moments:
        moments = packed(MeasurementRow.computed_at.expression, "q")
    statement = (
        select(MeasurementRow.run_id, at, moments, *read.values())
        .where(MeasurementRow.run_id.in_(run_ids), MeasurementRow.sequences > after)
        .group_by(MeasurementRow.run_id)
    )
    if until is not None:
        statement = statement.where(MeasurementRow.sequences <= until)
    if places is not None:
        some = any_(literal(places, ARRAY(BigInteger)))
        statement = statement.where(MeasurementRow.sequences == some)
    found: dict[str, Columns] = {}
    for run_id, sequences, when, *values in session.execute(statement, execution_options=BINARY):
        by_key = dict(zip(read, values, strict=True))
        numbers = [_numbers(one, by_key[key]) for one, key in zip(wanted, keys, strict=True)]
        found[run_id] = _in_order(Columns(sequences, when or [], numbers))
    return found


def _keys(wanted: Sequence[Number | ColumnElement[float]]) -> list[str | int]:
    """Under which each is read: the metric, if more of its numbers are wanted, or one of its own.

    An array is sent whole then: that takes a third of what its numbers take one by one.
    """
    counts = Counter(one.metric for one in wanted if isinstance(one, Number))
    return [
        one.metric if isinstance(one, Number) and counts[one.metric] > 1 else index
        for index, one in enumerate(wanted)
    ]


def _packed(one: Number | ColumnElement[float], key: str | int) -> ColumnElement[Any]:
    if not isinstance(one, Number):
        return packed(one)
    if isinstance(key, str):
        return packed_arrays(getattr(MeasurementRow, one.metric))
    return packed(number_of(one.metric, *one.place))


def _numbers(
    one: Number | ColumnElement[float], value: ArraysOfRows | Sequence[float]
) -> Sequence[float]:
    if isinstance(value, ArraysOfRows):
        assert isinstance(one, Number), "arrays are read for numbers of theirs"
        return value.at(one.place)
    return value


def counts_between(
    session: Session, run_ids: Collection[str], *, after: int, until: int | None
) -> dict[str, int]:
    """How many measurements runs have in a range; those without any are left out."""
    statement = (
        select(MeasurementRow.run_id, func.count())
        .where(MeasurementRow.run_id.in_(run_ids), MeasurementRow.sequences > after)
        .group_by(MeasurementRow.run_id)
    )
    if until is not None:
        statement = statement.where(MeasurementRow.sequences <= until)
    return {row[0]: row[1] for row in session.execute(statement)}


def beside(
    session: Session, run_id: str, start: int | None, until: int | None
) -> tuple[int | None, int | None]:
    """The last measurement before a range of a run and the first after it, where there are any;
    None: the range has no such end."""
    measured = MeasurementRow.sequences.expression
    own = select(func.max(measured)), select(func.min(measured))
    sides = [
        None if start is None else measured < start,
        None if until is None else measured > until,
    ]
    before, after = (
        None if side is None else session.scalar(one.where(MeasurementRow.run_id == run_id, side))
        for one, side in zip(own, sides, strict=True)
    )
    return before, after


def place_of(session: Session, run_id: str, number: int, *, after: int) -> int | None:
    """Where a run's measurement of this number past a place is, counted from 0."""
    statement = (
        select(MeasurementRow.sequences)
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences > after)
        .order_by(MeasurementRow.sequences)
        .offset(number)
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def _in_order(found: Columns) -> Columns:
    # Most are: rows lie as they were inserted. Those of a resumed attempt that replaced others, or
    # that vacuum has moved, do not.
    if found.sequences == sorted(found.sequences):
        return found
    order = sorted(range(len(found.sequences)), key=found.sequences.__getitem__)
    return Columns(
        [found.sequences[index] for index in order],
        [found.moments[index] for index in order] if found.moments else [],
        [[column[index] for index in order] for column in found.numbers],
    )


def since_1970(microseconds: int) -> int:
    """A moment of `Columns` in microseconds since 1970."""
    return microseconds + round(_SINCE) * 1_000_000


def moment(microseconds: int) -> datetime:
    """A moment of `Columns`."""
    return datetime.fromtimestamp(_SINCE + microseconds / 1e6, UTC)


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
    chosen: Sequence[ColumnElement[Any]] = [MeasurementRow.computed_at.expression, *columns]
    statement = (
        select(MeasurementRow.sequences, *chosen)
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences > after)
        .order_by(MeasurementRow.sequences)
        .limit(limit)
    )
    if until is not None:
        statement = statement.where(MeasurementRow.sequences <= until)
    return [(row[0], row[1], row[2:]) for row in session.execute(statement)]


def number_of(metric: str, *place: int) -> ColumnElement[float]:
    """One number of an array of `Measurement`, by 0-based place; SQL counts from 1."""
    column: Any = getattr(MeasurementRow, metric)
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


def frames_at(session: Session, run_id: str, places: Sequence[int]) -> Sequence[Frame]:
    """The frames at these places, in order."""
    statement = (
        select(Frame)
        .where(Frame.run_id == run_id, Frame.sequences.in_(places))
        .order_by(Frame.sequences)
    )
    return session.scalars(statement).all()


def compositions_at(
    session: Session, run_id: str, places: Sequence[int]
) -> Sequence[tuple[int, bytes]]:
    """The composition scores of the frames at these places that have any, in order."""
    statement = (
        select(Frame.sequences, Frame.composition)
        .where(Frame.run_id == run_id, Frame.sequences.in_(places), Frame.composition.is_not(None))
        .order_by(Frame.sequences)
    )
    return [(place, stored) for place, stored in session.execute(statement) if stored is not None]


def measured_with(session: Session, frame: Frame) -> MeasurementRow:
    """The measurement that a frame belongs to: both are written at once."""
    # Of two statements: a run that is deleted in between has no such row.
    return session.get_one(MeasurementRow, (frame.run_id, frame.sequences))


def measurements_at(
    session: Session, run_id: str, places: Sequence[int]
) -> Sequence[MeasurementRow]:
    """The measurements at these places, in order."""
    statement = (
        select(MeasurementRow)
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences.in_(places))
        .order_by(MeasurementRow.sequences)
    )
    return session.scalars(statement).all()


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


def curves_of(
    session: Session, run_ids: Collection[str], number: ColumnElement[float]
) -> list[Curve]:
    """One number of every measurement of every one of these runs that has any."""
    found = columns_of(session, run_ids, [number])
    return [Curve(run_id, one.sequences, one.numbers[0]) for run_id, one in found.items()]


def brackets(
    session: Session, run_ids: Collection[str], names: Sequence[str]
) -> dict[str, dict[str, tuple[int | None, int]]]:
    """Of those of these places of the phase change that runs have the measurements on both sides:
    the last before (None: there is none), and the first at or past it. Losses that are not finite
    are passed over, as by `worker.science.phase_change`."""
    sides = [side for name in names for side in _sides(name)]
    found = session.execute(select(Run.id, *sides).where(Run.id.in_(run_ids)))
    return {run_id: _bracketed(names, numbers) for run_id, *numbers in found}


def _sides(name: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    # A whole number, so that the primary key serves the comparison, too.
    place = cast(func.ceil(getattr(Run, name)), BigInteger)
    measured = MeasurementRow.sequences.expression
    before = _nearest(func.max(measured), measured < place)
    past = _nearest(func.min(measured), measured >= place)
    return before.label(f"{name}_after"), past.label(f"{name}_until")


def _bracketed(
    names: Sequence[str], numbers: Sequence[int | None]
) -> dict[str, tuple[int | None, int]]:
    pairs = zip(names, numbers[::2], numbers[1::2], strict=True)
    return {name: (after, until) for name, after, until in pairs if until is not None}


def _nearest(place: ColumnElement[int], side: ColumnElement[bool]) -> ColumnElement[int]:
    """A measurement of the run at hand with a finite training loss; NaN is above all numbers."""
    is_finite = number_of("loss", 0) < literal(math.inf, DOUBLE_PRECISION)
    own = MeasurementRow.run_id == Run.id
    return select(place).where(own, side, is_finite).correlate(Run).scalar_subquery()


def last_strengths(session: Session, run_ids: Collection[str], metric: str) -> dict[str, Strengths]:
    """The strengths of all heads at the last measurement of each run that has any."""
    column: ColumnElement[Strengths] = getattr(MeasurementRow, metric)
    statement = (
        select(MeasurementRow.run_id, column)
        .where(MeasurementRow.run_id.in_(run_ids))
        .ext(distinct_on(MeasurementRow.run_id))
        .order_by(MeasurementRow.run_id, MeasurementRow.sequences.desc())
    )
    return {row.run_id: row[1] for row in session.execute(statement)}


def last_places(session: Session, run_ids: Collection[str]) -> dict[str, int]:
    """Where the last measurement of each run that has any is: a look into the index a run."""
    last = select(func.max(MeasurementRow.sequences)).where(MeasurementRow.run_id == Run.id)
    statement = select(Run.id, last.correlate(Run).scalar_subquery()).where(Run.id.in_(run_ids))
    return {run_id: place for run_id, place in session.execute(statement) if place is not None}


def measured_at(session: Session, places: Mapping[str, int]) -> dict[str, MeasurementRow]:
    """The measurement of each run at its place, if there is one."""
    keys = tuple_(MeasurementRow.run_id, MeasurementRow.sequences)
    found = session.scalars(select(MeasurementRow).where(keys.in_(list(places.items()))))
    return {row.run_id: row for row in found}


def least_losses(session: Session, run_ids: Collection[str]) -> dict[str, Sequence[float]]:
    """The least loss on each evaluator's sequences of every run that was measured. To Postgres NaN
    is above all numbers: it is the least where there is nothing else."""
    each = (func.min(number_of("loss", index)) for index in range(len(EVALUATORS)))
    statement = (
        select(MeasurementRow.run_id, *each)
        .where(MeasurementRow.run_id.in_(run_ids))
        .group_by(MeasurementRow.run_id)
    )
    return {run_id: numbers for run_id, *numbers in session.execute(statement)}


def strongest(metric: str, layer: int | None = None) -> ColumnElement[float]:
    """The largest strength at every measurement: of all heads, or of those of a layer."""
    column = getattr(MeasurementRow, metric)
    if layer is not None:
        column = column[layer + 1 : layer + 1]  # a slice of one row, with all of its columns
    heads = func.unnest(column).column_valued("head")
    return select(func.max(heads)).scalar_subquery()
