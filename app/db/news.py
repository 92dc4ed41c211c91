"""Statements about what happened lately, to whichever run."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.db.models import Moment, Run, RunEvent

# Ids are given before they are committed: a younger event may be seen before an older one. One
# that has been there for so long has no older ones to come.
# Relies on every transaction that adds an event being committed within that time of adding it: a
# reader that went past its id meanwhile does not see it any more.
SETTLED = timedelta(seconds=1)


def latest_event(session: Session) -> int:
    """The id of the latest event; 0: nothing has happened yet."""
    statement = select(func.max(RunEvent.id)).where(_is_settled())
    return session.scalars(statement).one() or 0


def events_after(
    session: Session, after: int, kinds: Collection[str], *, limit: int
) -> Sequence[tuple[RunEvent, str]]:
    """Events past the one with this id, oldest first, each with its run's name."""
    statement = (
        select(RunEvent, Run.name)
        .join(Run, Run.id == RunEvent.run_id)
        # The youngest second is left out as a whole, not just ids that miss: a gap in the ids may
        # also be of a transaction that was rolled back, and would never close.
        .where(RunEvent.id > after, RunEvent.kind.in_(kinds), _is_settled())
        .order_by(RunEvent.id)
        .limit(limit)
    )
    return [(event, name) for event, name in session.execute(statement)]


def _is_settled() -> ColumnElement[bool]:
    # `at` is the moment of the insert, by the same clock; that of the commit is in no row.
    return RunEvent.at < func.clock_timestamp(type_=Moment) - SETTLED
