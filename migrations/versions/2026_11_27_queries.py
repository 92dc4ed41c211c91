"""Queries: the least and the largest of what runs that have ended have measured; named views.

Reads every measurement of theirs once, some ten seconds for a million, in which runs go on as
usual. Those that end meanwhile get no row: their measurements are read when they are asked for.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_27_queries"
down_revision = "2026_11_27_stage"

# As `app.db.runs_list.extremes` has them, in its order.
METRICS = (
    "loss",
    "accuracy",
    "in_context_accuracy",
    "correct_probability",
    "context_probability",
)
NUMBERS = [
    *(f"{metric}[{evaluator}]" for metric in METRICS for evaluator in range(1, 5)),
    "(SELECT max(head) FROM unnest(induction_strength) head)",
    "(SELECT max(head) FROM unnest(previous_token_strength) head)",
]


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=6),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    numbers = postgresql.ARRAY(sa.Double())
    op.create_table(
        "run_extremes",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("least", numbers, nullable=False),
        sa.Column("most", numbers, nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    least, most = (
        ", ".join(f"{function}(nullif({number}, 'NaN'))" for number in NUMBERS)
        for function in ("min", "max")
    )
    op.execute(
        "INSERT INTO run_extremes (run_id, least, most) "
        f"SELECT run_id, ARRAY[{least}], ARRAY[{most}] "
        "FROM measurement JOIN run ON run.id = run_id "
        "WHERE state IN ('finished', 'failed', 'cancelled') GROUP BY run_id"
    )
    # Last, as it keeps writers from the runs: what was deleted since has no row to point at.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("LOCK TABLE run IN SHARE ROW EXCLUSIVE MODE")
    op.execute("DELETE FROM run_extremes WHERE run_id NOT IN (SELECT id FROM run)")
    op.create_foreign_key(None, "run_extremes", "run", ["run_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("run_extremes")
    op.drop_table("saved_view")
