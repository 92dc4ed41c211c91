"""What people keep: views of the list under a name, boards."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class SavedView(Base):
    """A view of the list of runs with a name: what its address says after the `?`."""

    __tablename__ = "saved_view"

    id: Mapped[str] = mapped_column(Text, primary_key=True)  # of its first name, for links
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class Board(Base):
    """A page of chosen charts with text between. What its charts are of may be deleted since."""

    __tablename__ = "board"
    __table_args__ = (Index("ix_board_changed_at_id", "changed_at", "id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # `schemas.boards.Block`, in order
    version: Mapped[int] = mapped_column(server_default="1")  # raised with every change
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    changed_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
