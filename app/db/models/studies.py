"""Studies, and which runs they have."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class Study(Base):
    """A named set of runs launched together. Nothing else knows of studies."""

    __tablename__ = "study"
    __table_args__ = (Index("ix_study_created_at_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    notes: Mapped[str] = mapped_column(Text, server_default="")
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `schemas.studies.request.StudyRequest`
    axes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # `schemas.api.studies.AxisRead`
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class StudyRunRow(Base):
    """A run's place in a study, and what every axis is in it. A run may be in several studies."""

    __tablename__ = "study_run"
    __table_args__ = (Index("ix_study_run_run_id", "run_id"),)

    study_id: Mapped[str] = mapped_column(
        Text, ForeignKey("study.id", ondelete="CASCADE"), primary_key=True
    )
    run_id: Mapped[str] = mapped_column(
        Text, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int]
    name: Mapped[str] = mapped_column(Text)  # what the run is here; by itself it may have another
    values: Mapped[dict[str, str]] = mapped_column(JSONB)
    is_reused: Mapped[bool]
