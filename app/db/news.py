"""Statements about what happened lately, to whichever run."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Text, func, select, table
from sqlalchemy.orm import Session

from app.db.models import Moment, Run, RunEvent

# Ids are given before they are committed: a younger event may be seen before an older one, and a
# reader that has gone past an id does not see it any more. So an event is told when none before it
# can come: when no transaction goes on that was there when it was added. Relies on each having
# locked or added a run before it adds an event, by which the server counts it as writing.
SETTLED = timedelta(milliseconds=100)  # besides, for a clock that is set back a little
NEWS_LAST = timedelta(days=1)

_ACTIVITY = table(
    "pg_stat_activity",
    Column("datname", Text),
    Column("xact_start", Moment),
    Column("backend_xid", Text),  # only of those that write
)
_UNSETTLED_SINCE = select(
    func.least(
        func.clock_timestamp(type_=Moment) - SETTLED,
        func.min(_ACTIVITY.c.xact_start),
    )
).where(_ACTIVITY.c.datname == func.current_database(), _ACTIVITY.c.backend_xid.is_not(None))


def latest_event(session: Session) -> int:
    """The id of the latest event; 0: nothing has happened yet."""
    statement = select(func.max(RunEvent.id)).where(RunEvent.at < _unsettled_since(session))
    return session.scalars(statement).one() or 0


def events_after(
    session: Session,
    after: int,
    kinds: Collection[str],
    *,
    limit: int,
    lasting: timedelta = NEWS_LAST,
) -> Sequence[tuple[RunEvent, str]]:
    """Events past the one with this id, oldest first, each with its run's name; none that is older
    than news last."""
    statement = (
        select(RunEvent, Run.name)
        .join(Run, Run.id == RunEvent.run_id)
        # By time, not by ids that miss: a gap in the ids may also be of a transaction that was
        # rolled back, and would never close.
        .where(
            RunEvent.id > after,
            RunEvent.kind.in_(kinds),
            RunEvent.at < _unsettled_since(session),
            # An import adds what happened long ago, and elsewhere.
            RunEvent.at > func.clock_timestamp(type_=Moment) - lasting,
        )
        .order_by(RunEvent.id)
        .limit(limit)
    )
    return [(event, name) for event, name in session.execute(statement)]


def _unsettled_since(session: Session) -> datetime:
    """When the oldest transaction began that may yet commit an event; by the database's clock."""
    # `RunEvent.at` is the moment of the insert, which no transaction has before its own beginning.
    # Asked before the events are read and not with them: one that ends in between is read then.
    since: datetime = session.scalars(_UNSETTLED_SINCE).one()
    return since
