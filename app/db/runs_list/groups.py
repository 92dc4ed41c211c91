"""The runs of a list in groups: how many each has, and what their numbers are together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Double, FromClause, Select, cast, func, select, true
from sqlalchemy.orm import Session

from app.db.models import Run, Study, StudyRunRow
from app.db.runs_list.matching import Matching
from app.db.runs_list.order import GOING
from app.db.runs_list.pages import conditions_of

_TAGS = func.unnest(Run.tags).table_valued("tag", name="tags").render_derived()
_MANY: dict[str, Sequence[tuple[FromClause | type[Any], ColumnElement[Any]]]] = {
    "tag": [(_TAGS, true())],
    "study": [
        (StudyRunRow, StudyRunRow.run_id == Run.id),
        (Study, Study.id == StudyRunRow.study_id),
    ],
}
TAG: ColumnElement[Any] = _TAGS.c.tag
STUDY: ColumnElement[Any] = Study.id.expression
STUDY_NAME: ColumnElement[Any] = Study.name.expression
STUDY_TIME: ColumnElement[Any] = Study.created_at.expression


@dataclass(frozen=True)
class GroupKey:
    """What runs are put into groups by; null: they have none."""

    value: ColumnElement[Any]  # as text
    place: ColumnElement[Any]  # what the groups are in order of
    title: ColumnElement[Any]  # what people call it
    descending: bool = False
    many: str = ""  # `tag`, `study`: of these a run may have several, and is in as many groups


class Together(NamedTuple):
    """A number of the runs of a group; all None: none has it."""

    mean: float | None
    least: float | None
    most: float | None


class GroupRow(NamedTuple):
    """A group."""

    value: str | None
    title: str | None
    runs: int
    going: int  # how many of them have not ended
    numbers: Sequence[Together]  # of those that were asked for


def groups_of(
    session: Session,
    matching: Matching,
    by: GroupKey,
    numbers: Sequence[ColumnElement[Any]],
    *,
    limit: int,
) -> tuple[list[GroupRow], int]:
    """The first groups, runs without one last, and how many groups there are."""
    # The offset keeps it a statement of its own: else a number that has to be looked up would be
    # for its mean, and again for its least and its most.
    runs = _runs(by, numbers).where(*conditions_of(session, matching)).offset(0).subquery()
    own = runs.c
    together = [
        of(own[f"number_{n}"]) for n in range(len(numbers)) for of in (func.avg, func.min, func.max)
    ]
    place = own.place.desc() if by.descending else own.place.asc()
    going = func.count().filter(own.state.in_(GOING))
    every = func.count().over()
    statement = (
        select(own.value, own.title, func.count(), going, every, *together)
        .group_by(own.value, own.title, own.place)
        .order_by(place.nulls_last(), own.value)
        .limit(limit)
    )
    found = session.execute(statement, execution_options=matching.options).all()
    rows = [GroupRow(row[0], row[1], row[2], row[3], _threes(row[5:])) for row in found]
    return rows, found[0][4] if found else 0


def _runs(by: GroupKey, numbers: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Every run with its group; once for each that it is in."""
    # As such: Postgres gives the mean of whole numbers as a decimal.
    named = [cast(number, Double).label(f"number_{n}") for n, number in enumerate(numbers)]
    key = [by.value.label("value"), by.place.label("place"), by.title.label("title")]
    # In a subquery: what is grouped by is made with values that are sent along, and Postgres does
    # not take two of these for the same.
    statement = select(*key, Run.state.label("state"), *named).select_from(Run)
    for target, on in _MANY.get(by.many, ()):
        statement = statement.outerjoin(target, on)
    return statement


def _threes(numbers: Sequence[float | None]) -> list[Together]:
    return [Together(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]
