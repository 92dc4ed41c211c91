"""Forks: where a run comes from, and which checkpoints hold the optimiser."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_fork_runs"
down_revision = "2026_11_22_create_runs"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("parent_id", sa.Text()))
    op.add_column("run", sa.Column("parent_name", sa.Text()))
    op.add_column("run", sa.Column("forked_at", sa.BigInteger()))
    op.add_column("run", sa.Column("fork_optimiser", sa.Text()))
    op.create_foreign_key(
        "fk_run_parent_id_run", "run", "run", ["parent_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index("ix_run_parent_id", "run", ["parent_id"])
    op.add_column(
        "checkpoint",
        sa.Column("has_optimiser", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_checkpoint_url", "checkpoint", ["url"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_checkpoint_url", "checkpoint")
    op.drop_column("checkpoint", "has_optimiser")
    op.drop_index("ix_run_parent_id", "run")
    op.drop_constraint("fk_run_parent_id_run", "run")
    for column in ("fork_optimiser", "forked_at", "parent_name", "parent_id"):
        op.drop_column("run", column)
