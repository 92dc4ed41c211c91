"""Retention: which checkpoints stay, and files that are to be removed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_26_retention"
down_revision = "2026_11_26_access"

MOMENT = postgresql.TIMESTAMP(timezone=True, precision=6)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    keep = sa.Column("keep_checkpoints", sa.Text(), server_default="usual", nullable=False)
    op.add_column("run", keep)
    op.add_column("run", sa.Column("thinned_at", MOMENT))
    pinned = sa.Column("is_pinned", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("checkpoint", pinned)
    op.create_table(
        "file_removal",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("noted_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("url", name="pk_file_removal"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("file_removal")
    op.drop_column("checkpoint", "is_pinned")
    op.drop_column("run", "thinned_at")
    op.drop_column("run", "keep_checkpoints")
