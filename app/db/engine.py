"""The engine and the only commit of the project."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

AFTER_COMMIT = "after_commit"


def make_engine(database_url: str, *, pool_size: int = 10) -> Engine:
    """An engine that checks connections before use: a restarted server is no error."""
    return create_engine(
        database_url,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=10,
        connect_args={"connect_timeout": 5},
    )


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on error, then runs what waited for it."""
    with Session(engine, expire_on_commit=False) as session:
        with session.begin():
            yield session
        for action in session.info.pop(AFTER_COMMIT, ()):
            action()


def after_commit(session: Session, action: Callable[[], object]) -> None:
    """Runs `action` once the session's transaction is committed; never if it is rolled back."""
    session.info.setdefault(AFTER_COMMIT, []).append(action)
