"""Runs that are pinned: they stand first in the list."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_pins"
down_revision = "2026_11_28_boards"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A default that is the same for all rows is not written to them.
    op.add_column(
        "run",
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index("ix_run_pinned", "run", ["id"], postgresql_where=sa.text("is_pinned"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "is_pinned")  # and its index
