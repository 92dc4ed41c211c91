"""What runs measured and saved, by sequences."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Index, LargeBinary, Text, false, func
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment, run_key


class MeasurementRow(Base):
    """What a run reported at one value of `sequences`; arrays as in `schemas.measure`."""

    __tablename__ = "measurement"

    run_id: Mapped[str] = run_key()
    sequences: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # Who wrote it last. Nobody is refused by this: ownership is asked of the run's row.
    attempt: Mapped[int]
    elapsed_seconds: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    computed_at: Mapped[datetime] = mapped_column(Moment)
    loss: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    accuracy: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    in_context_accuracy: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    correct_probability: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    context_probability: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    induction_strength: Mapped[list[list[float]]] = mapped_column(
        ARRAY(DOUBLE_PRECISION, dimensions=2)
    )
    previous_token_strength: Mapped[list[list[float]]] = mapped_column(
        ARRAY(DOUBLE_PRECISION, dimensions=2)
    )


class Frame(Base):
    """The probe's attention patterns, little-endian float32 [layer, head, probe, query, key], and
    the composition scores of all pairs of heads, in the order of `worker.science.composition`."""

    __tablename__ = "frame"

    run_id: Mapped[str] = run_key()
    sequences: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    attempt: Mapped[int]
    patterns: Mapped[bytes] = mapped_column(LargeBinary)
    composition: Mapped[bytes | None] = mapped_column(LargeBinary)  # older frames have none


class Probe(Base):
    """The sequences whose patterns are shown: a JSON list of `schemas.measure.ProbeSequence`."""

    __tablename__ = "probe"

    run_id: Mapped[str] = run_key()
    sequences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Checkpoint(Base):
    """Saved weights: where, how large, and the SHA-256 of the file.

    A fork's rows below the fork name its parent's files: a file stays as long as any row names it.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (Index("ix_checkpoint_url", "url"),)

    run_id: Mapped[str] = run_key()
    sequences: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    attempt: Mapped[int]
    url: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    has_optimiser: Mapped[bool] = mapped_column(server_default=false())
    is_pinned: Mapped[bool] = mapped_column(server_default=false())  # always stays
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class ResumePoint(Base):
    """Where a lost run goes on: weights, optimiser and time; one per run, replaced."""

    __tablename__ = "resume_point"

    run_id: Mapped[str] = run_key()
    sequences: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    url: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
