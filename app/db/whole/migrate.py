"""Brings a database to the schema of this program."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"


def alembic_config(database_url: str) -> Config:
    """Alembic's settings, in code: there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("recursive_version_locations", "true")  # those of one day lie together
    # A percent sign (of an escaped socket path) would be read as an interpolation.
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def upgrade(database_url: str, *, to: str = "head") -> None:
    """Applies the migrations that the database lacks, up to one; none is no error."""
    # Of two who upgrade at once the second waits in `migrations/env.py` for the first, whose one
    # transaction is all or nothing, and then finds nothing to do.
    command.upgrade(alembic_config(database_url), to)


def revision_of(engine: Engine) -> str | None:
    """The last migration that a database has; None: it has no tables of ours."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
