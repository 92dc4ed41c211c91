"""Lists of runs: a part of one after the other, or all at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, any_, func, literal, select, text, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.db.models import Run
from app.db.runs_list.matching import Matching, conditions
from app.db.runs_list.order import Order, OrderPart, SortPosition

_KEY = "sort_key"


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
    wanted = conditions_of(session, matching)
    parts = [_ids_of(part, wanted, past, until).limit(limit).subquery() for part in order.parts()]
    every = union_all(*map(select, parts)).subquery() if len(parts) > 1 else parts[0]
    key = every.c[_KEY]
    statement = select(Run, key, *numbers).join(every, every.c.id == Run.id)
    statement = statement.order_by(*order.by(key)).limit(limit)
    found = session.execute(statement, execution_options=matching.options)
    return [Found(row[0], row[1], row[2:]) for row in found]


def _ids_of(
    part: OrderPart,
    wanted: Sequence[ColumnElement[bool]],
    past: SortPosition | None,
    until: SortPosition | None,
) -> Select[tuple[str, Any]]:
    """The runs of a part, in order, each with its key."""
    statement = select(Run.id, part.order.key.label(_KEY)).where(*part.conditions, *wanted)
    if past is not None:
        statement = statement.where(part.past(past))
    if until is not None:
        statement = statement.where(part.until(until))
    return statement.order_by(*part.by)


def ids_in_order(session: Session, matching: Matching, order: Order) -> Sequence[str]:
    """The ids of all runs that match."""
    key = order.key.label(_KEY)  # by its name, or Postgres would work it out twice
    statement = (
        select(Run.id, key).where(*conditions_of(session, matching)).order_by(*order.by(key))
    )
    return session.scalars(statement, execution_options=matching.options).all()


def count_matching(session: Session, matching: Matching) -> int:
    """How many runs match."""
    statement = select(func.count()).select_from(Run).where(*conditions_of(session, matching))
    return session.scalars(statement, execution_options=matching.options).one()


def conditions_of(session: Session, matching: Matching) -> Sequence[ColumnElement[bool]]:
    """Which runs match, for the statement that comes next."""
    found = conditions(matching)
    if found:
        # Planned for the words and filters at hand, not once for all that are asked for: some
        # leave a few runs, others nearly all.
        session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    return found


def cells_of(
    session: Session, run_ids: Sequence[str], cells: Sequence[ColumnElement[Any]]
) -> dict[str, Sequence[Any]]:
    """Of those of the runs that there are the id, the name and these, by id."""
    # Not whole runs: to read their configs takes longer than all else.
    wanted = Run.id == any_(literal(run_ids, ARRAY(Text)))
    found = session.execute(select(Run.id, Run.name, *cells).where(wanted))
    return {row[0]: row for row in found}
