"""Every table as rows of text, as one moment had it; and back into an empty database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from psycopg import Connection, sql
from sqlalchemy import Engine, text

from app.db.base import Base
from app.db.whole.migrate import revision_of

TABLES = tuple(table.name for table in Base.metadata.sorted_tables)  # those pointed at come first
# Nobody is let in elsewhere by a copy, and what is removed was named by rows that are in it.
# And nobody is told twice what happened.
LEFT_OUT = frozenset(
    {"browser_session", "worker", "file_removal", "webhook_cursor", "webhook_delivery"}
)
_DELETING = "deleting a run"


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One moment of all tables. While it lasts no run is deleted and no checkpoint thinned."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, Connection)
        # First the lock, then the moment: what was deleted while we waited is not in it. Of the
        # connection, as a transaction has its moment from its first statement on.
        raw.execute("SELECT pg_advisory_lock(hashtext(%s))", [_DELETING])
        raw.commit()
        try:
            raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield raw
        finally:
            raw.rollback()
            raw.execute("SELECT pg_advisory_unlock(hashtext(%s))", [_DELETING])
            raw.commit()


def columns_of(table: str) -> list[str]:
    """The columns of a table, in the order in which it is written; those that follow from others
    are left out."""
    return [one.name for one in Base.metadata.tables[table].columns if one.computed is None]


def write_table(connection: Connection, table: str, file: IO[bytes]) -> None:
    """All rows of a table, in the order of their keys."""
    keys = sql.SQL(", ").join(map(sql.Identifier, _keys(table)))
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        _names(columns_of(table)), sql.Identifier(table), keys
    )
    with connection.cursor().copy(query) as rows:
        for piece in rows:
            file.write(piece)


def read_table(connection: Connection, table: str, columns: list[str], file: IO[bytes]) -> None:
    """Adds the rows that `write_table` has written."""
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names(columns))
    with connection.cursor().copy(query) as rows:
        while piece := file.read(1 << 20):
            rows.write(piece)


def finish(connection: Connection, folders: Mapping[str, str], lost: list[str]) -> None:
    """Points rows to where their files are now, and counts on from the last event."""
    cursor = connection.cursor()
    # What could not be copied is no place to go on from: those runs begin further back.
    cursor.execute("DELETE FROM resume_point WHERE url = ANY(%s)", [lost])
    for table in ("checkpoint", "resume_point"):
        name = sql.Identifier(table)
        for old, new in folders.items():
            query = sql.SQL("UPDATE {} SET url = %s || substr(url, %s) WHERE starts_with(url, %s)")
            cursor.execute(query.format(name), [new, len(old) + 1, old])
    for table in ("run_event", "audit_event"):
        name = sql.Identifier(table)
        query = sql.SQL(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(max(id), 1)) FROM {}"
        )
        cursor.execute(query.format(name), [table])


def is_empty(engine: Engine) -> bool:
    """Whether the database has no run and no study."""
    if revision_of(engine) is None:
        return True
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT EXISTS (SELECT FROM run) OR EXISTS (SELECT FROM study)")
        )
        return not found.scalar_one()


def _keys(table: str) -> list[str]:
    return [column.name for column in Base.metadata.tables[table].primary_key]


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
