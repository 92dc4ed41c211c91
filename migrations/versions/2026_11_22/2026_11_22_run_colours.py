"""Colours: a run may have another than the one that follows from its id."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_run_colours"
down_revision = "2026_11_22_cohorts"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("colour", sa.Text()))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "colour")
