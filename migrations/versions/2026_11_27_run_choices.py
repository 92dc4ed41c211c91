"""What the list of runs can be narrowed by, from indexes: datasets, and tags of the newest runs."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_27_run_choices"
down_revision = "2026_11_27_reversal"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    # Seconds for a million runs, in which nothing else writes to them.
    dataset = sa.text("(config #>> '{task,dataset}'::text[])")
    op.create_index("ix_run_dataset", "run", [dataset])
    op.create_index(
        "ix_run_tagged",
        "run",
        ["created_at", "id"],
        postgresql_include=["tags"],
        postgresql_where=sa.text("tags <> '{}' AND deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_run_tagged", table_name="run")
    op.drop_index("ix_run_dataset", table_name="run")
