"""The contents of the data file that a run is trained from."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_data_files"
down_revision = "2026_11_26_disk"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("run", sa.Column("data_sha256", sa.Text()))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "data_sha256")
