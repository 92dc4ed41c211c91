"""Questions about runs, and their answers part by part."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class Analysis(Base):
    """A question about a run's checkpoints, and where its answer stands."""

    __tablename__ = "analysis"
    __table_args__ = (
        Index("ix_analysis_created_at_id", "created_at", "id"),
        Index("ix_analysis_run_id", "run_id"),
        Index("ix_analysis_cache_key", "cache_key"),
        Index("ix_analysis_state", "state"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    run_id: Mapped[str] = mapped_column(Text, ForeignKey("run.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `schemas.analyses.kinds`
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `services.analyses.plan.Plan`
    cache_key: Mapped[str] = mapped_column(Text)  # of all that the answer depends on

    # Written by `services.analyses.lifecycle.move` alone, under the row's lock.
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    done: Mapped[int] = mapped_column(server_default="0")  # parts
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    moved_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)

    # As of a run: who may write, and until when nothing need be heard of it.
    attempt: Mapped[int] = mapped_column(server_default="0")
    fruitless_attempts: Mapped[int] = mapped_column(server_default="0")  # without a new part
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    worker: Mapped[str | None] = mapped_column(Text)
    error_kind: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)


class AnalysisPart(Base):
    """What was found of one checkpoint under some programs; written once, whole."""

    __tablename__ = "analysis_part"

    analysis_id: Mapped[str] = mapped_column(
        Text, ForeignKey("analysis.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    found: Mapped[dict[str, Any]] = mapped_column(JSONB)
