"""Runs that are shelved: out of the list until somebody asks for them."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_28_shelves"
down_revision = "2026_11_28_pins"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A default that is the same for all rows is not written to them.
    op.add_column(
        "run",
        sa.Column("is_shelved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index("ix_run_shelved", "run", ["id"], postgresql_where=sa.text("is_shelved"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("run", "is_shelved")  # and its index
