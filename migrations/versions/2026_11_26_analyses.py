"""Analyses of runs' checkpoints, and the parts that they are done in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "2026_11_26_analyses"
down_revision = "2026_11_26_data_files"

MOMENT = TIMESTAMP(timezone=True, precision=6)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.create_table(
        "analysis",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("run_id", sa.Text(), sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", JSONB(), nullable=False),
        sa.Column("plan", JSONB(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("moved_at", MOMENT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fruitless_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("worker", sa.Text()),
        sa.Column("error_kind", sa.Text()),
        sa.Column("error_message", sa.Text()),
    )
    op.create_index("ix_analysis_created_at_id", "analysis", ["created_at", "id"])
    op.create_index("ix_analysis_run_id", "analysis", ["run_id"])
    op.create_index("ix_analysis_cache_key", "analysis", ["cache_key"])
    op.create_index("ix_analysis_state", "analysis", ["state"])
    op.create_table(
        "analysis_part",
        sa.Column(
            "analysis_id",
            sa.Text(),
            sa.ForeignKey("analysis.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("found", JSONB(), nullable=False),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("analysis_part")
    op.drop_table("analysis")
