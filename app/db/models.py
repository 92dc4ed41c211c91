"""Tables. `sequences` is the cursor everywhere: key of every series, SSE id, `?after=`."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Computed,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    event,
    false,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB, TIMESTAMP
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)

from app.db.base import Base

Moment = TIMESTAMP(timezone=True, precision=6)

# As Postgres writes them when it is asked, so that models and migrations can be compared.
_HAS_ENDED = "state = ANY (ARRAY['finished'::text, 'failed'::text, 'cancelled'::text])"
_PROGRESS = "sequences::double precision / total_sequences::double precision"


def _final(value: str) -> Mapped[float | None]:
    """A number of a run that Postgres keeps once the run has ended; null before."""
    none = "NULL::double precision"
    kept = Computed(f"CASE WHEN {_HAS_ENDED} THEN {value} ELSE {none} END", persisted=True)
    return mapped_column(DOUBLE_PRECISION, kept, deferred=True)


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
    final_progress: Mapped[float | None] = _final(_PROGRESS)
    final_train_loss: Mapped[float | None] = _final("NULLIF(train_loss, 'NaN'::double precision)")
    final_midpoint: Mapped[float | None] = _final("NULLIF(midpoint, 'NaN'::double precision)")


def _run_key() -> Mapped[str]:
    # Each insert asks whether the run is there, and holds it against deletion (FOR KEY SHARE)
    # until its commit: no row is left behind by a run that is deleted meanwhile.
    return mapped_column(Text, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)


class MeasurementRow(Base):
    """What a run reported at one value of `sequences`; arrays as in `schemas.measure`."""

    __tablename__ = "measurement"

    run_id: Mapped[str] = _run_key()
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


class RunExtremes(Base):
    """The least and the largest of what a run that has ended has measured, see
    `app.db.runs_list.extremes`; null: it measured no number there."""

    __tablename__ = "run_extremes"

    run_id: Mapped[str] = _run_key()
    least: Mapped[list[float | None]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    most: Mapped[list[float | None]] = mapped_column(ARRAY(DOUBLE_PRECISION))


class Frame(Base):
    """The probe's attention patterns, little-endian float32 [layer, head, probe, query, key], and
    the composition scores of all pairs of heads, in the order of `worker.science.composition`."""

    __tablename__ = "frame"

    run_id: Mapped[str] = _run_key()
    sequences: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    attempt: Mapped[int]
    patterns: Mapped[bytes] = mapped_column(LargeBinary)
    composition: Mapped[bytes | None] = mapped_column(LargeBinary)  # older frames have none


class Probe(Base):
    """The sequences whose patterns are shown: a JSON list of `schemas.measure.ProbeSequence`."""

    __tablename__ = "probe"

    run_id: Mapped[str] = _run_key()
    sequences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Checkpoint(Base):
    """Saved weights: where, how large, and the SHA-256 of the file.

    A fork's rows below the fork name its parent's files: a file stays as long as any row names it.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (Index("ix_checkpoint_url", "url"),)

    run_id: Mapped[str] = _run_key()
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

    run_id: Mapped[str] = _run_key()
    sequences: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    url: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)


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


class SavedView(Base):
    """A view of the list of runs with a name: what its address says after the `?`."""

    __tablename__ = "saved_view"

    id: Mapped[str] = mapped_column(Text, primary_key=True)  # of its first name, for links
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class Study(Base):
    """A named set of runs launched together. Nothing else knows of studies."""

    __tablename__ = "study"
    __table_args__ = (Index("ix_study_created_at_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    notes: Mapped[str] = mapped_column(Text, server_default="")
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `schemas.study.StudyRequest`
    axes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # `schemas.study_api.AxisRead`
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


class FileRemoval(Base):
    """A file of the store, or a folder of it, that no row needs and that is to be removed."""

    __tablename__ = "file_removal"

    url: Mapped[str] = mapped_column(Text, primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class Worker(Base):
    """A process that takes runs, as it described itself when it was last heard of."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(Text, primary_key=True)  # as in `Run.worker`
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int]
    device: Mapped[str] = mapped_column(Text)
    cores: Mapped[int]
    memory: Mapped[int] = mapped_column(BigInteger)  # bytes, of the machine
    memory_free: Mapped[int] = mapped_column(BigInteger)
    torch: Mapped[str] = mapped_column(Text)  # its version
    disk: Mapped[int | None] = mapped_column(BigInteger)  # bytes, of the fullest that it writes to
    disk_free: Mapped[int | None] = mapped_column(BigInteger)
    trouble: Mapped[str] = mapped_column(Text, server_default="")  # why it cannot train
    started_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    # By the database's clock, as it is compared: clocks of workers may be wrong.
    seen_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class IdempotencyKey(Base):
    """Answers already given to a POST, so that a repeated request starts nothing twice."""

    __tablename__ = "idempotency_key"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)  # SHA-256 of the request
    # What was started: one of these. No foreign keys: used again after a deletion, the key must
    # not start it anew.
    run_id: Mapped[str | None] = mapped_column(Text)
    study_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class AccessToken(Base):
    """What a program shows to be let in; only its SHA-256 is kept, as it is random itself."""

    __tablename__ = "access_token"
    __table_args__ = (Index("ix_access_token_sha256", "sha256", unique=True),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)  # `schemas.access.Scope`
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class BrowserSession(Base):
    """A browser that was let in: its cookie, as SHA-256, and by which token; null: the server's."""

    __tablename__ = "browser_session"

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    token_id: Mapped[str | None] = mapped_column(
        Text, ForeignKey("access_token.id", ondelete="CASCADE")
    )
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime] = mapped_column(Moment)


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


class AuditEvent(Base):
    """Who launched, deleted or let in what; kept when that is gone."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    who: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)


# A run that is deleted, and can still be restored, is there for nobody: every statement of a
# session has that added, in joins and subqueries, too. Those that are about deleted runs say so.
INCLUDING_DELETED = {"including_deleted": True}  # among a statement's execution options
_RUNS = Run.__table__  # below the mapping, where nothing is added
_DELETED = select(_RUNS.c.id).where(_RUNS.c.deleted_at.is_not(None))
_LIVE = (
    with_loader_criteria(Run, Run.deleted_at.is_(None), include_aliases=True),
    with_loader_criteria(StudyRunRow, StudyRunRow.run_id.not_in(_DELETED), include_aliases=True),
    with_loader_criteria(Analysis, Analysis.run_id.not_in(_DELETED), include_aliases=True),
)


@event.listens_for(Session, "do_orm_execute")
def _hide_deleted(said: ORMExecuteState) -> None:
    is_whole = said.is_select or said.is_update or said.is_delete
    if is_whole and not said.is_column_load and not said.execution_options.get("including_deleted"):
        said.statement = said.statement.options(*_LIVE)
