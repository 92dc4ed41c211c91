"""Failures: runs that are tried alone, what keeps a worker from training, and what keys started."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_failures"
down_revision = "2026_11_22_frame_composition"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column(
        "run", sa.Column("alone", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("worker", sa.Column("trouble", sa.Text(), server_default="", nullable=False))
    # A key outlives what it started: repeated after a deletion, it must start nothing.
    for of in ("run", "study"):
        op.drop_constraint(f"fk_idempotency_key_{of}_id_{of}", "idempotency_key")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for of in ("run", "study"):
        name = f"fk_idempotency_key_{of}_id_{of}"
        op.execute(f"DELETE FROM idempotency_key WHERE {of}_id NOT IN (SELECT id FROM {of})")
        op.create_foreign_key(name, "idempotency_key", of, [f"{of}_id"], ["id"], ondelete="CASCADE")
    op.drop_column("worker", "trouble")
    op.drop_column("run", "alone")
