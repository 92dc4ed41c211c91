"""The engine and the only commit of the project."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Cursor
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg.pq import Format
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext, ExecutionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

AFTER_COMMIT = "after_commit"
BINARY = {"binary": True}  # of statements that answer with many bytes: as text they are twice that


# Far more than any transaction of ours stands still, but for an export whose reader is slow: one
# that takes nothing is cut after a minute (`app.stack.web`).
PATIENCE = 120.0


def make_engine(
    database_url: str, *, pool_size: int = 10, patience_seconds: float = PATIENCE
) -> Engine:
    """An engine that checks connections before use: a restarted server is no error.

    `patience_seconds`: after which Postgres ends a transaction that stands still; 0: never. A
    process that is frozen in the middle of one (stopped, swapped out, its machine asleep) would
    hold its rows for as long, and with them whoever wants to cancel, reap or delete a run.
    """
    engine = create_engine(
        database_url,
        # A restarted server leaves dead connections in the pool: found here, before the first
        # statement. One that dies within a transaction is an error all the same, for
        # `retry_while_away` or a 503.
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=10,
        connect_args={"connect_timeout": 5},
    )
    limit = f"SET idle_in_transaction_session_timeout = {round(1000 * patience_seconds)}"

    @event.listens_for(engine, "connect")
    def be_patient(connection: DBAPIConnection, _: object) -> None:
        # Not by an option of the connection: the address may have options of its own.
        connection.cursor().execute(limit)
        connection.commit()

    @event.listens_for(engine, "before_cursor_execute")
    def ask_for_binary(
        _connection: Connection,
        cursor: Cursor[Any],
        _statement: str,
        _parameters: object,
        context: ExecutionContext,
        _many: bool,
    ) -> None:
        if context.execution_options.get("binary"):
            cursor.format = Format.BINARY

    @event.listens_for(engine, "handle_error")
    def count_as_outage(context: ExceptionContext) -> Exception | None:
        """Whoever wakes up finds its connection gone, as after a restart, and begins again."""
        error = context.original_exception
        if not isinstance(error, IdleInTransactionSessionTimeout):
            return None
        context.is_disconnect = True
        return OperationalError(context.statement, context.parameters, error)

    return engine


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on error, then runs what waited for it."""
    # Rows are read after the commit (answers, news) and after the session: expired ones could not
    # be loaded any more.
    with Session(engine, expire_on_commit=False) as session:
        with session.begin():
            yield session
        # Earlier, who is told could look before there is anything to see; in another order, news
        # of a measurement would come before that of its `previous`. If the process dies here
        # nobody is told: the reaper and the idle looks of streams make up for it.
        for action in session.info.pop(AFTER_COMMIT, ()):
            action()


def after_commit(session: Session, action: Callable[[], object]) -> None:
    """Runs `action` once the session's transaction is committed; never if it is rolled back."""
    # Kept in the session and not in the process: a rollback drops it with the session.
    session.info.setdefault(AFTER_COMMIT, []).append(action)
