"""Locks: of rows, and of names that have no row. Postgres holds them until the transaction ends.

Whoever locks several runs takes them in the order of their ids: two who took the same rows in
different orders would wait for each other, until Postgres ends one of them.
"""

from typing import Any

from sqlalchemy import Boolean, func, select
from sqlalchemy.orm import Session

# FOR NO KEY UPDATE, of a run that is written to: others who write wait. FOR UPDATE would keep out
# those as well who only need the run to go on existing (FOR KEY SHARE): a fork of it that is being
# made, which copies for seconds, would stop its recorder, and with it the flush of all its cohort.
WRITING: dict[str, Any] = {"key_share": True}
# FOR KEY SHARE: the run cannot be deleted until the transaction ends; others go on writing to it.
KEEPING: dict[str, Any] = {"key_share": True, "read": True}


def try_lock(session: Session, name: str) -> bool:
    """Whether this transaction now holds the lock called `name`; never waits."""
    # Of the transaction, not of the connection: it is free after the commit has become visible,
    # and a connection that goes back to the pool never keeps it.
    locked = func.pg_try_advisory_xact_lock(func.hashtext(name), type_=Boolean)
    return session.scalars(select(locked)).one()


def lock(session: Session, name: str) -> None:
    """Waits for the lock called `name`, and holds it until the transaction ends."""
    # The isolation is READ COMMITTED: statements after this one see what the holder before has
    # committed. Names whose hashes collide only wait for each other.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
