"""How Alembic reaches the database: by a given connection, or by `sqlalchemy.url`."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from app.db import models
from app.db.base import Base

# Of two processes that migrate at once the second waits, and then finds nothing to do.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('optoscope.migrations'))")

assert models.Run.metadata is Base.metadata  # importing the models is what fills it


def migrate(connection: Connection) -> None:
    """Runs the migrations that the connection's database lacks, in one transaction."""
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_server_default=True
    )
    with context.begin_transaction():
        connection.execute(ONE_AT_A_TIME)
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url, "set sqlalchemy.url, or give a connection"
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        migrate(connection)
