"""Disk: how much room a worker has for what it writes."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_disk"
down_revision = "2026_11_26_retention"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    for name in ("disk", "disk_free"):  # null: a worker of before has not said
        op.add_column("worker", sa.Column(name, sa.BigInteger()))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("disk_free", "disk"):
        op.drop_column("worker", name)
