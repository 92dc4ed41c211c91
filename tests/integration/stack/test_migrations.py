"""Migrations make exactly the tables of `app.db.models`, and unmake them."""

import re

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url, text

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


def test_there_is_one_head():
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))

    assert len(script.get_heads()) == 1


@pytest.mark.parametrize("path", sorted((MIGRATIONS / "versions").glob("*.py")), ids=str)
def test_every_migration_is_dated_and_gives_up_rather_than_block(path):
    assert re.fullmatch(r"\d{4}_\d\d_\d\d_[a-z_]+\.py", path.name)
    assert path.read_text().count("SET LOCAL lock_timeout") == 2
