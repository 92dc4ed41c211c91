"""Studies: named sets of runs, and requests that launch one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_studies"
down_revision = "2026_11_22_fork_runs"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.create_table(
        "study",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("axes", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
    )
    op.create_index("ix_study_created_at_id", "study", ["created_at", "id"])
    op.create_table(
        "study_run",
        sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("is_reused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name="fk_study_run_study_id_study", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_study_run_run_id_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "run_id", name="pk_study_run"),
    )
    op.create_index("ix_study_run_run_id", "study_run", ["run_id"])
    op.alter_column("idempotency_key", "run_id", nullable=True)
    op.add_column("idempotency_key", sa.Column("study_id", sa.Text()))
    op.create_foreign_key(
        "fk_idempotency_key_study_id_study",
        "idempotency_key",
        "study",
        ["study_id"],
        ["id"],
        ondelete="CASCADE",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM idempotency_key WHERE run_id IS NULL")
    op.drop_column("idempotency_key", "study_id")
    op.alter_column("idempotency_key", "run_id", nullable=False)
    op.drop_table("study_run")
    op.drop_table("study")
