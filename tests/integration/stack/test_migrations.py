"""Migrations make exactly the tables of `app.db.models`, and unmake them."""

import re
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    ARRAY,
    Boolean,
    DateTime,
    Double,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    inspect,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.pool import NullPool

from app.db.base import Base
from app.db.whole.migrate import MIGRATIONS, alembic_config, upgrade


@pytest.fixture
def empty_database(session_engine, session_settings):
    """The URL of a database without tables, dropped again."""
    name = "optoscope_migrations"
    with session_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(session_settings.database_url).set(database=name)
        yield url.render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _differences(database_url):
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return found


def _tables(database_url):
    engine = create_engine(database_url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_migrated_schema_is_the_schema_of_the_models(empty_database):
    upgrade(empty_database)

    assert _differences(empty_database) == []


def test_constraints_have_the_names_of_the_models(empty_database):
    upgrade(empty_database)

    engine = create_engine(empty_database)
    for table in Base.metadata.sorted_tables:
        inspector = inspect(engine)
        assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name
        found = {key["name"] for key in inspector.get_foreign_keys(table.name)}
        assert found == {key.name for key in table.foreign_key_constraints}
    engine.dispose()


def test_downgrade_leaves_nothing_and_upgrade_brings_all_back(empty_database):
    upgrade(empty_database)
    command.downgrade(alembic_config(empty_database), "base")
    assert _tables(empty_database) == {"alembic_version"}

    upgrade(empty_database)

    assert _differences(empty_database) == []


def test_upgrading_twice_changes_nothing(empty_database):
    upgrade(empty_database)
    upgrade(empty_database)

    assert _tables(empty_database) == {*Base.metadata.tables, "alembic_version"}


def _older():
    """Every revision before the newest."""
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))
    return [one.revision for one in script.walk_revisions()][1:]


def _example(kind):
    """A value that a column may hold; texts are all the same, so that keys lead to rows."""
    if isinstance(kind, ARRAY):
        return [_example(kind.item_type)]
    examples = {JSONB: {"a": [1]}, LargeBinary: b"ab", Boolean: True, Text: "kept", Double: 1.5}
    examples |= {DateTime: datetime(2026, 11, 22, tzinfo=UTC)}
    return next((value for known, value in examples.items() if isinstance(kind, known)), 7)


def _fill(connection):
    """A row of every table, with something in every column; which rows."""
    metadata = MetaData()
    metadata.reflect(connection)
    rows = {}
    for table in metadata.sorted_tables:
        if table.name == "alembic_version":
            continue
        rows[table.name] = {
            column.name: _example(column.type)
            for column in table.columns
            if not column.identity and column.computed is None
        }
        connection.execute(table.insert().values(rows[table.name]))
    return rows


@pytest.mark.parametrize("revision", _older())
def test_what_an_older_version_wrote_is_there_after_the_upgrade(empty_database, revision):
    upgrade(empty_database, to=revision)
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        written = _fill(connection)

    upgrade(empty_database)

    assert written.keys() >= {"run", "measurement", "checkpoint"}
    for name, row in written.items():
        table = Table(name, MetaData(), autoload_with=engine)
        with engine.connect() as connection:
            (found,) = connection.execute(table.select()).mappings()
        assert {column: found[column] for column in row} == row, name


def test_there_is_one_head():
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))

    assert len(script.get_heads()) == 1


@pytest.mark.parametrize("path", sorted((MIGRATIONS / "versions").rglob("*.py")), ids=str)
def test_every_migration_is_dated_and_gives_up_rather_than_block(path):
    assert re.fullmatch(r"\d{4}_\d\d_\d\d_[a-z_]+\.py", path.name)
    assert path.read_text().count("SET LOCAL lock_timeout") == 2
