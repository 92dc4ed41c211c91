"""A run's life: move, pause, resume, cancel, rename. `move` is the only door to its state."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.db import lineage, runs
from app.db.models import Run, RunEvent
from app.db.runs_list.extremes import keep_extremes
from app.errors import Conflict, Gone, NotFound
from app.schemas.api.runs import AUTOMATIC, RunSaid
from app.schemas.retention import Keep
from app.schemas.state import ACTIVE, CLAIMABLE, TERMINAL, WAITING, ErrorKind, RunState, may_move
from app.services.runs.data_files import changed_since
from app.services.runs.outbox import publish_run, send_train

log = logging.getLogger(__name__)

SAID = {
    RunState.QUEUED: "Waits for a worker.",
    RunState.STARTING: "A worker took it.",
    RunState.RUNNING: "Training.",
    RunState.PAUSING: "A pause was asked for.",
    RunState.PAUSED: "Paused; it goes on when it is resumed.",
    RunState.STOPPING: "A cancel was asked for.",
    RunState.FINISHED: "Every sequence was seen.",
    RunState.FAILED: "Training failed.",
    RunState.CANCELLED: "Cancelled.",
    RunState.LOST: "Its trainer went silent; the next free worker resumes it.",
}


def move(
    session: Session,
    run: Run,
    target: RunState,
    *,
    message: str = "",
    kind: str = "",
    error_kind: ErrorKind | None = None,
    error_message: str | None = None,
) -> None:
    """Moves a run to `target`, or raises `Conflict`. Nothing else may write `Run.state`.

    Locks and re-reads the row (unflushed changes to it are kept), so that of two movers the later
    sees what the earlier did. Stamps the times, adds to the timeline (`kind` and `message` have
    defaults for every state) and tells open pages after the commit.
    """
    session.flush()
    # First flush, then lock: the refresh would overwrite what the caller has set. From here on to
    # the commit the state below is the only one there is.
    lock_run(session, run)
    current = RunState(run.state)
    if not may_move(current, target):
        raise Conflict(f"Run {run.id} is {current} and cannot become {target}.")
    # State, times, lease and the event of the timeline are one commit: a reader never finds a
    # finished run without its end, nor a waiting one that still has a lease.
    run.state, run.stage = target.value, None
    _stamp(session, run, target)
    if error_kind is not None or error_message is not None:
        run.error_kind, run.error_message = error_kind, error_message
    if target in TERMINAL:
        keep_extremes(session, [run.id])  # a trainer's last measurements are written by now
    record_event(session, run, kind or target, message or SAID[target])
    log.info("run %s: %s -> %s", run.id, current, target)


def _stamp(session: Session, run: Run, target: RunState) -> None:
    """The times and the lease that follow from being in `target`."""
    if target is RunState.STARTING and run.started_at is None:
        run.started_at = runs.now(session)
    if target in TERMINAL:
        run.finished_at = runs.now(session)
    if target not in ACTIVE:
        run.lease_until = None


def record_event(
    session: Session, run: Run, kind: str, message: str, *, sequences: int | None = None
) -> None:
    """Adds to a run's timeline and tells open pages; `sequences` defaults to where the run is."""
    at = run.sequences if sequences is None else sequences
    session.add(RunEvent(run_id=run.id, kind=str(kind), message=message, sequences=at))
    session.flush()
    publish_run(session, run.id)


def run_or_error(session: Session, run_id: str) -> Run:
    """The run, or `NotFound`; `Gone` if it can be restored."""
    run = runs.run_by_id(session, run_id)
    if run is None:
        raise not_there(session, run_id)
    return run


def runs_or_error(session: Session, run_ids: Sequence[str]) -> list[Run]:
    """The runs in this order, or as `run_or_error` for the first that is not there."""
    found = runs.runs_by_id(session, run_ids)
    for run_id in run_ids:
        if run_id not in found:
            raise not_there(session, run_id)
    return [found[run_id] for run_id in run_ids]


def not_there(session: Session, run_id: str) -> NotFound:
    """Why there is no such run."""
    run = runs.deleted_run(session, run_id)
    if run is None or run.deleted_at is None or run.kept_until is None:
        return NotFound(f"There is no run {run_id!r}.")
    return Gone(
        f"{run.name} ({run.id}) was deleted at {_minute(run.deleted_at)}. It can be restored until "
        f"{_minute(run.kept_until)}; then its measurements and checkpoints go for good.",
        run.id,
    )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def lock_run(session: Session, run: Run) -> None:
    """Locks a run and reads it again, or raises `NotFound` if it was deleted since it was read."""
    # Not `refresh`, for which a row that is gone is a bug.
    if runs.locked_run(session, run.id) is None:
        raise NotFound(f"There is no run {run.id!r} any more.")


def request_cancel(session: Session, run: Run) -> None:
    """Asks for a run to stop. Asking twice is no error; a waiting run is cancelled at once."""
    lock_run(session, run)
    state = RunState(run.state)
    if state in (RunState.STOPPING, RunState.CANCELLED):
        return
    if state in TERMINAL:
        raise Conflict(f"Run {run.id} is already {state}; there is nothing to cancel.")
    run.cancel_requested_at = runs.now(session)
    # Under the lock no worker can be claiming it: its claim comes before, and this finds STARTING,
    # or after, and finds nothing to take.
    if state in WAITING:
        move(session, run, RunState.CANCELLED)
    else:
        # Its trainer need not be told: the recorder reads the state at its next flush, the
        # supervisor four times a second.
        move(session, run, RunState.STOPPING)


def request_pause(session: Session, run: Run) -> None:
    """Asks for a run to be set aside. Asking twice is no error; a waiting run is held at once."""
    lock_run(session, run)
    state = RunState(run.state)
    if state in (RunState.PAUSING, RunState.PAUSED):
        return
    if state is RunState.STOPPING or state in TERMINAL:
        raise Conflict(f"Run {run.id} is {state}; only a run that goes on can be paused.")
    # As with a cancel: locked, it is a worker's already or cannot become one's.
    move(session, run, RunState.PAUSED if state in CLAIMABLE else RunState.PAUSING)


def resume(session: Session, run: Run) -> None:
    """Has a paused run go on where it was. A run that goes on anyway is left alone."""
    lock_run(session, run)
    state = RunState(run.state)
    if state is RunState.STOPPING or state in TERMINAL:
        raise Conflict(f"Run {run.id} is {state}; only a paused run can be resumed.")
    if state is RunState.PAUSED:
        if said := changed_since(run):
            raise Conflict(f"Run {run.id} cannot go on: {said}")
        move(session, run, RunState.QUEUED, message="Resumed; it waits for a worker.")
        send_train(session, run.id)
    # The trainer may have seen PAUSING and be saving at this moment: its last flush then finds
    # RUNNING, and `set_aside` queues the run instead of pausing it.
    elif state is RunState.PAUSING:  # if its trainer has let it go by now, it is queued again
        move(session, run, RunState.RUNNING, message="Resumed before it had paused.")


def refuse_unless_said(session: Session, run: Run, was: RunSaid) -> None:
    """`Conflict` if somebody has changed what a change was made from; else locks the run."""
    lineage.lock_families(session, [run.id])  # first, as `change_run` does
    lock_run(session, run)
    for field, before in was.model_dump(exclude_none=True).items():
        now = getattr(run, field)
        if now != before:
            raise Conflict(
                f"Somebody else has changed the {field} of run {run.id} meanwhile. Nothing was "
                f"changed. Now: {_shown(now)}"
            )


def _shown(said: str | Sequence[str]) -> str:
    """A name, tags, or the beginning of notes."""
    text = said if isinstance(said, str) else ", ".join(said)
    return f"“{text[:200]}…”" if len(text) > 200 else f"“{text}”" if text else "none."


def change_run(
    session: Session,
    run: Run,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
    colour: str | None = None,
    is_pinned: bool | None = None,
    is_shelved: bool | None = None,
    priority: int | None = None,
    keep_checkpoints: Keep | None = None,
) -> None:
    """Changes what people say about a run, and its turn; None leaves a thing as it is."""
    if name is not None:
        # `set_progress` writes other columns, and the later of two people wins: the locks are for
        # the order in which the run and its forks are written to.
        lineage.lock_families(session, [run.id])
        run.name = name
        lineage.rename_parent(session, run.id, name)
    if tags is not None:
        run.tags = list(dict.fromkeys(tags))
    if colour is not None:
        run.colour = None if colour == AUTOMATIC else colour
    plain = {
        "notes": notes, "is_pinned": is_pinned, "is_shelved": is_shelved, "priority": priority
    }  # fmt: skip
    for field, value in plain.items():
        if value is not None:
            setattr(run, field, value)
    if keep_checkpoints is not None:
        run.keep_checkpoints, run.thinned_at = keep_checkpoints.value, None
    # Written with the commit, or before what is asked next: of many runs all at once.
    publish_run(session, run.id)
