"""Locks that have a name and no row: Postgres holds them until the transaction ends."""

from sqlalchemy import Boolean, func, select
from sqlalchemy.orm import Session


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
