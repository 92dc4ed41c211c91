"""Statements about many runs at once: which match, in which order, and their curves in small."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ColumnExpressionArgument,
    Subquery,
    Text,
    cast,
    func,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from app.db.models import INCLUDING_DELETED, MeasurementRow, Run, StudyRunRow
from app.schemas.state import RunState

NEWEST = 10_000  # runs of which the list lets choose tags and datasets
SHORTEST_ID = 4  # characters of an id that find its run: shorter words are words
_TRAIN = 1  # the training evaluator's place in `Measurement.loss`, as SQL counts


@dataclass(frozen=True)
class Matching:
    """Which runs: those of which all of this is true."""

    states: Sequence[RunState] = ()  # any of these
    tags: Sequence[str] = ()  # all of these
    words: str = ""  # each in the name, the notes or a tag, or the beginning of the id
    study: str | None = None
    datasets: Sequence[str] = ()  # any of these
    programs: Sequence[Sequence[dict[str, str]]] = ()  # any has clamps like these; []: has none
    run_ids: Sequence[str] = ()  # any of these
    deleted: bool = False  # of those that can be restored, or of those that are there

    @property
    def options(self) -> Mapping[str, Any]:
        """Of statements that ask for them."""
        return INCLUDING_DELETED if self.deleted else {}


class SortPosition(NamedTuple):
    """Where in an order a run is: what it is sorted by (None: it has no such thing), and its id."""

    key: Any
    run_id: str


@dataclass(frozen=True)
class Order:
    """Runs in the order of a key; those without one last, ties by id."""

    key: ColumnElement[Any]
    descending: bool
    is_optional: bool  # whether there are runs without one

    def by(self, key: ColumnElement[Any]) -> Sequence[ColumnExpressionArgument[Any]]:
        """For ORDER BY; `key`: as the statement calls it."""
        if self.descending:
            falling = key.desc().nulls_last() if self.is_optional else key.desc()
            return falling, Run.id.desc()
        return key.asc(), Run.id.asc()

    def past(self, place: SortPosition) -> ColumnElement[bool]:
        """Whether a run comes after this place."""
        if place.key is None:
            return self.key.is_(None) & self._id_past(place)
        here, there = tuple_(self.key, Run.id), tuple_(place.key, place.run_id)
        later = here < there if self.descending else here > there
        return or_(later, self.key.is_(None)) if self.is_optional else later

    def until(self, place: SortPosition) -> ColumnElement[bool]:
        """Whether a run comes before this place, or is there."""
        if place.key is None:
            return self.key.is_not(None) | ~self._id_past(place)
        here, there = tuple_(self.key, Run.id), tuple_(place.key, place.run_id)
        return here >= there if self.descending else here <= there

    def _id_past(self, place: SortPosition) -> ColumnElement[bool]:
        return Run.id < place.run_id if self.descending else Run.id > place.run_id


class Found(NamedTuple):
    """A run of the list, what it is sorted by, and the numbers that were asked for with it."""

    run: Run
    key: Any
    numbers: Sequence[float | None]


def runs_page(
    session: Session,
    matching: Matching,
    order: Order,
    *,
    numbers: Sequence[ColumnElement[Any]] = (),
    past: SortPosition | None = None,
    until: SortPosition | None = None,
    limit: int,
) -> list[Found]:
    """Runs in order, from those past one place, up to and with those at another."""
    key = order.key.label("sort_key")  # by its name, or Postgres would work it out twice
    statement = select(Run, key, *numbers).where(*_conditions(matching))
    if past is not None:
        statement = statement.where(order.past(past))
    if until is not None:
        statement = statement.where(order.until(until))
    statement = statement.order_by(*order.by(key)).limit(limit)
    found = session.execute(statement, execution_options=matching.options)
    return [Found(row[0], row[1], row[2:]) for row in found]


def ids_in_order(session: Session, matching: Matching, order: Order) -> Sequence[str]:
    """The ids of all runs that match."""
    key = order.key.label("sort_key")
    statement = select(Run.id, key).where(*_conditions(matching)).order_by(*order.by(key))
    return session.scalars(statement, execution_options=matching.options).all()


def count_matching(session: Session, matching: Matching) -> int:
    """How many runs match."""
    statement = select(func.count()).select_from(Run).where(*_conditions(matching))
    return session.scalars(statement, execution_options=matching.options).one()


def found_by_id(
    session: Session, run_ids: Collection[str], numbers: Sequence[ColumnElement[Any]]
) -> dict[str, Found]:
    """Those of the runs that there are, with these numbers."""
    found = session.execute(select(Run, *numbers).where(Run.id.in_(run_ids)))
    return {row[0].id: Found(row[0], None, row[1:]) for row in found}


def _conditions(matching: Matching) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_has_word(word) for word in matching.words.split()]
    if matching.states:
        found.append(Run.state.in_(matching.states))
    if matching.tags:
        found.append(type_coerce(Run.tags, ARRAY(Text)).contains(list(matching.tags)))
    if matching.study is not None:
        own = select(StudyRunRow.run_id).where(StudyRunRow.study_id == matching.study)
        found.append(Run.id.in_(own))
    if matching.datasets:
        found.append(Run.config[("task", "dataset")].as_string().in_(matching.datasets))
    if matching.programs:
        found.append(or_(*map(_has_program, matching.programs)))
    if matching.deleted:
        found.append(Run.deleted_at.is_not(None))
    if matching.run_ids:
        found.append(Run.id.in_(matching.run_ids))
    return found


def _has_word(word: str) -> ColumnElement[bool]:
    places = [column.icontains(word, autoescape=True) for column in (Run.name, Run.notes)]
    places.append(func.array_to_string(Run.tags, " ").icontains(word, autoescape=True))
    if len(word) >= SHORTEST_ID:
        places.append(Run.id.startswith(word.lower(), autoescape=True))
    return or_(*places)


def _has_program(clamps: Sequence[dict[str, str]]) -> ColumnElement[bool]:
    """Whether the run's program holds clamps like all of these; none at all for none."""
    if not clamps:
        return func.jsonb_array_length(Run.config["program"]) == 0
    return Run.config["program"].op("@>")(cast(list(clamps), JSONB))


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


def tags_in_use(session: Session) -> Sequence[str]:
    """Every tag that any of the newest runs has."""
    newest = _newest(Run.tags.label("tags"))
    tag = func.unnest(newest.c.tags, type_=Text()).label("tag")
    return session.scalars(select(tag).distinct().order_by(tag)).all()


def datasets_in_use(session: Session) -> Sequence[str]:
    """Every dataset that any of the newest runs was trained on."""
    dataset = _newest(Run.config[("task", "dataset")].as_string().label("dataset")).c.dataset
    return session.scalars(select(dataset).distinct().order_by(dataset)).all()


def _newest(column: ColumnElement[Any]) -> Subquery:
    """A column of the runs that a choice is made of: to read all of a large table takes seconds."""
    newest_first = (Run.created_at.desc(), Run.id.desc())
    return select(column).order_by(*newest_first).limit(NEWEST).subquery()


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
