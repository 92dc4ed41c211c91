"""What a run that is starting does at the moment."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_27_stage"
down_revision = "2026_11_27_run_choices"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("stage", sa.Text()))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "stage")
