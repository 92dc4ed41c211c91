"""Webhooks: up to which event addresses were told, and what is still on its way to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_27_webhooks"
down_revision = "2026_11_27_undo"

MOMENT = postgresql.TIMESTAMP(timezone=True, precision=6)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")  # rather fail than block writers
    op.create_table(
        "webhook_cursor",
        sa.Column("url", sa.Text, primary_key=True),
        sa.Column("event_id", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "url",
            sa.Text,
            sa.ForeignKey("webhook_cursor.url", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("error", sa.Text, server_default="", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.clock_timestamp(), nullable=False),
    )
    op.create_index("ix_webhook_delivery_due_at", "webhook_delivery", ["due_at"])
    op.create_index(
        "ix_webhook_delivery_url_event_id", "webhook_delivery", ["url", "event_id"], unique=True
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_cursor")
