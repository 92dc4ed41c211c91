"""Undo: a deleted run stays for a while, hidden, and can be restored."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_27_undo"
down_revision = "2026_11_27_awaits"

MOMENT = postgresql.TIMESTAMP(timezone=True, precision=6)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("deleted_at", MOMENT))
    op.add_column("run", sa.Column("kept_until", MOMENT))
    is_deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_run_deleted", "run", ["id"], postgresql_where=is_deleted)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The program of then would show them as if nobody had deleted them. Their files stay.
    op.execute("DELETE FROM run WHERE deleted_at IS NOT NULL")
    op.drop_index("ix_run_deleted", table_name="run")
    op.drop_column("run", "kept_until")
    op.drop_column("run", "deleted_at")
