"""Runs, what they report, what they saved, and what happened to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.schema import SchemaItem

revision = "2026_11_22_create_runs"
down_revision = None

MOMENT = pg.TIMESTAMP(timezone=True, precision=6)
NUMBER: sa.types.TypeEngine[float] = pg.DOUBLE_PRECISION()
NUMBERS = pg.ARRAY(NUMBER)
NUMBER_PER_HEAD = pg.ARRAY(NUMBER, dimensions=2)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    _create_runs()
    _create_series()
    _create_saved()
    _create_events()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (
        "idempotency_key",
        "run_event",
        "resume_point",
        "checkpoint",
        "probe",
        "frame",
        "measurement",
        "run",
    ):
        op.drop_table(table)


def _create_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", pg.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("config", pg.JSONB(), nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("cancel_requested_at", MOMENT),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fruitless_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("worker", sa.Text()),
        sa.Column("device", sa.Text()),
        sa.Column("versions", pg.JSONB()),
        sa.Column("error_kind", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("sequences", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_sequences", sa.BigInteger(), nullable=False),
        sa.Column("sequences_per_second", NUMBER),
        sa.Column("train_loss", NUMBER),
        sa.Column("plateau_start", NUMBER),
        sa.Column("plateau_end", NUMBER),
        sa.Column("onset", NUMBER),
        sa.Column("midpoint", NUMBER),
        sa.Column("end", NUMBER),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_created_at_id", "run", ["created_at", "id"])
    op.create_index("ix_run_state", "run", ["state"])
    op.create_index("ix_run_config_hash", "run", ["config_hash"])


def _create_series() -> None:
    """Measurements, frames and the probe: what charts and heatmaps read."""
    op.create_table(
        "measurement",
        *_run_and_sequences("measurement"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("elapsed_seconds", NUMBER, nullable=False),
        sa.Column("computed_at", MOMENT, nullable=False),
        sa.Column("loss", NUMBERS, nullable=False),
        sa.Column("accuracy", NUMBERS, nullable=False),
        sa.Column("in_context_accuracy", NUMBERS, nullable=False),
        sa.Column("correct_probability", NUMBERS, nullable=False),
        sa.Column("context_probability", NUMBERS, nullable=False),
        sa.Column("induction_strength", NUMBER_PER_HEAD, nullable=False),
        sa.Column("previous_token_strength", NUMBER_PER_HEAD, nullable=False),
    )
    op.create_table(
        "frame",
        *_run_and_sequences("frame"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("patterns", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "probe",
        _run_id(),
        sa.Column("sequences", pg.JSONB(), nullable=False),
        _of_run("probe"),
        sa.PrimaryKeyConstraint("run_id", name="pk_probe"),
    )


def _create_saved() -> None:
    """Weights: every checkpoint, and the one from which a lost run goes on."""
    op.create_table(
        "checkpoint",
        *_run_and_sequences("checkpoint"),
        *_file(),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
    )
    op.create_table(
        "resume_point",
        _run_id(),
        sa.Column("sequences", sa.BigInteger(), nullable=False),
        *_file(),
        _of_run("resume_point"),
        sa.PrimaryKeyConstraint("run_id", name="pk_resume_point"),
    )


def _create_events() -> None:
    op.create_table(
        "run_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _run_id(),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("sequences", sa.BigInteger()),
        _of_run("run_event"),
        sa.PrimaryKeyConstraint("id", name="pk_run_event"),
    )
    op.create_index("ix_run_event_run_id_id", "run_event", ["run_id", "id"])
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        _run_id(),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        _of_run("idempotency_key"),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_key"),
    )


def _run_id() -> sa.Column[str]:
    return sa.Column("run_id", sa.Text(), nullable=False)


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    """What belongs to a run goes when the run goes."""
    return sa.ForeignKeyConstraint(
        ["run_id"], ["run.id"], name=f"fk_{table}_run_id_run", ondelete="CASCADE"
    )


def _run_and_sequences(table: str) -> tuple[SchemaItem, ...]:
    """The key of every series: which run, and after how many sequences."""
    return (
        _run_id(),
        sa.Column("sequences", sa.BigInteger(), nullable=False),
        _of_run(table),
        sa.PrimaryKeyConstraint("run_id", "sequences", name=f"pk_{table}"),
    )


def _file() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
    )
