"""Boards: pages of chosen charts with text between."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_28_boards"
down_revision = "2026_11_27_queries"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    moments = [
        sa.Column(
            name,
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        )
        for name in ("created_at", "changed_at")
    ]
    op.create_table(
        "board",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("blocks", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *moments,
        sa.PrimaryKeyConstraint("id", name="pk_board"),
    )
    op.create_index("ix_board_changed_at_id", "board", ["changed_at", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("board")
