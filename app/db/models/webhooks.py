"""Addresses that are told what happens, and what they have yet to be told."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class WebhookCursor(Base):
    """An address of the settings that is told what happens, and up to which event it was noted."""

    __tablename__ = "webhook_cursor"

    url: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger)


class WebhookDelivery(Base):
    """Something that an address is still to be told; gone once it has arrived."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_due_at", "due_at"),
        Index("ix_webhook_delivery_url_event_id", "url", "event_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    url: Mapped[str] = mapped_column(Text, ForeignKey("webhook_cursor.url", ondelete="CASCADE"))
    # No foreign key: what happened to a run that is deleted since has happened.
    event_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    error: Mapped[str] = mapped_column(Text, server_default="")  # why it did not arrive
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
