"""Runs, and what happened to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment, final, run_key

_PROGRESS = "sequences::double precision / total_sequences::double precision"


class Run(Base):
    """One model trained once from one config, and where it stands."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_created_at_id", "created_at", "id"),
        Index("ix_run_state", "state"),  # a sixth of the size of that with the id: for counts
        Index("ix_run_config_hash", "config_hash"),
        Index("ix_run_parent_id", "parent_id"),
        Index("ix_run_deleted", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("ix_run_pinned", "id", postgresql_where=text("is_pinned")),
        Index("ix_run_shelved", "id", postgresql_where=text("is_shelved")),
        # What lists are sorted by, each with the id, which decides between equals.
        Index("ix_run_name_id", "name", "id"),
        Index("ix_run_state_id", "state", "id"),
        Index("ix_run_clamps_id", text("jsonb_array_length(config['program'])"), "id"),
        Index("ix_run_final_progress_id", "final_progress", "id"),
        Index("ix_run_final_train_loss_id", "final_train_loss", "id"),
        Index("ix_run_final_midpoint_id", "final_midpoint", "id"),
        # What lists of runs can be narrowed by.
        Index("ix_run_dataset", text("(config #>> '{task,dataset}'::text[])")),
        Index(
            "ix_run_tagged",
            "created_at",
            "id",
            postgresql_include=["tags"],
            postgresql_where=text("tags <> '{}' AND deleted_at IS NULL"),
        ),
        Index(
            "ix_run_search_pieces",
            text("run_search_pieces(id, name, notes, tags)"),
            postgresql_using="gin",
            # Else a search reads through what waits to be put in, and some flush puts it in.
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    notes: Mapped[str] = mapped_column(Text, server_default="")
    colour: Mapped[str | None] = mapped_column(Text)  # None: the one that follows from the id
    is_pinned: Mapped[bool] = mapped_column(server_default=false())  # first in the list
    is_shelved: Mapped[bool] = mapped_column(server_default=false())  # out of the list
    config: Mapped[dict[str, Any]] = mapped_column(JSONB)
    config_hash: Mapped[str] = mapped_column(Text)

    # Written by `lifecycle.move` alone, under the row's lock.
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Moment)

    # Of a fork: which run it shares its history with, and up to where. The name stays when the
    # parent is deleted.
    # SET NULL locks the forks' rows: deleting a parent waits for the flushes of those that train.
    parent_id: Mapped[str | None] = mapped_column(Text, ForeignKey("run.id", ondelete="SET NULL"))
    parent_name: Mapped[str | None] = mapped_column(Text)
    forked_at: Mapped[int | None] = mapped_column(BigInteger)
    fork_optimiser: Mapped[str | None] = mapped_column(Text)  # keep or reset

    # Of the data file that it is trained from; None: it has none, or nobody has seen it yet.
    data_sha256: Mapped[str | None] = mapped_column(Text)

    # Runs of equal key can be trained together; one without is trained alone.
    cohort_key: Mapped[str] = mapped_column(Text, server_default="")
    priority: Mapped[int] = mapped_column(server_default="0")  # the higher is taken first
    # Checkpoints that it grafts from, `RUN@SEQUENCES`, and that were not there when it was queued:
    # no worker takes it before they are.
    awaits: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    companions: Mapped[int | None]  # how many others its trainer has, or had at first

    # Who may write: rows of an older attempt are refused.
    attempt: Mapped[int] = mapped_column(server_default="0")
    fruitless_attempts: Mapped[int] = mapped_column(server_default="0")  # without a new measurement
    alone: Mapped[bool] = mapped_column(server_default=false())  # a cohort of it failed as a whole
    # By the database's clock, given at the claim and taken away by every move out of `ACTIVE`.
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    worker: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(Text)  # of starting; taken away by every move
    device: Mapped[str | None] = mapped_column(Text)  # "CPU, 2 threads, compiled"
    versions: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    error_kind: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)

    keep_checkpoints: Mapped[str] = mapped_column(Text, server_default="usual")  # or "all"
    thinned_at: Mapped[datetime | None] = mapped_column(Moment)  # when those to go were looked for

    # Both or neither: since when it is deleted, and when its row and files go for good. Statements
    # do not find it meanwhile, see the end of this file.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    kept_until: Mapped[datetime | None] = mapped_column(Moment)

    # The latest measurement, kept here so that lists read one row a run.
    # Written with the row that it speaks of, by one transaction of its recorder; never goes back.
    sequences: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total_sequences: Mapped[int] = mapped_column(BigInteger)
    sequences_per_second: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    train_loss: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    plateau_start: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    plateau_end: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    onset: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    midpoint: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    end: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    reversal: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)

    # What the run has come to, once it has ended, for lists to sort by an index. Columns of their
    # own: a flush that changed an indexed one would write to every index of the row (no HOT).
    final_progress: Mapped[float | None] = final(_PROGRESS)
    final_train_loss: Mapped[float | None] = final("NULLIF(train_loss, 'NaN'::double precision)")
    final_midpoint: Mapped[float | None] = final("NULLIF(midpoint, 'NaN'::double precision)")


class RunExtremes(Base):
    """The least and the largest of what a run that has ended has measured, see
    `app.db.runs_list.extremes`; null: it measured no number there."""

    __tablename__ = "run_extremes"

    run_id: Mapped[str] = run_key()
    least: Mapped[list[float | None]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    most: Mapped[list[float | None]] = mapped_column(ARRAY(DOUBLE_PRECISION))


class RunEvent(Base):
    """The timeline of a run: queued, started, resumed, phase change ..."""

    __tablename__ = "run_event"
    __table_args__ = (Index("ix_run_event_run_id_id", "run_id", "id"),)

    # Given at the insert, seen at the commit: within a run in order, as its row is locked by
    # whoever moves it; of several runs not, see `app.db.news`.
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    run_id: Mapped[str] = mapped_column(Text, ForeignKey("run.id", ondelete="CASCADE"))
    # Not `now()`, the beginning of the transaction: news rely on how old an event is at most.
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    kind: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    sequences: Mapped[int | None] = mapped_column(BigInteger)
