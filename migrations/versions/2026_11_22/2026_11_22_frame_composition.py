"""Composition scores of the heads beside the attention of a frame; older frames have none."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_frame_composition"
down_revision = "2026_11_22_run_colours"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.add_column("frame", sa.Column("composition", sa.LargeBinary()))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("frame", "composition")
