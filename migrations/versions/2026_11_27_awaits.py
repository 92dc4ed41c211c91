"""Runs that wait for checkpoints of others."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "2026_11_27_awaits"
down_revision = "2026_11_26_analyses"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    empty = sa.Column("awaits", ARRAY(sa.Text()), server_default="{}", nullable=False)
    op.add_column("run", empty)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "awaits")
