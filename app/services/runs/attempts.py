"""Attempts: a trainer's turn at a run, from the claim until it ends, is given back or is lost."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import claims
from app.db.claims import Claim
from app.db.models import Run
from app.schemas.state import ErrorKind, RunState
from app.schemas.words import enumerate_words, grouped
from app.services.runs.lifecycle import move, record_event, run_or_error
from app.services.runs.outbox import send_train

MAX_FRUITLESS = 3  # attempts in a row that measured nothing new


def claim(
    session: Session, run_ids: Sequence[str], *, worker: str, lease_seconds: float
) -> list[Claim]:
    """Takes waiting runs for a worker, to be trained together; those of them that it got."""
    # Locks the rows until the commit. Claim and move are one transaction: a run with a lease but
    # still waiting would be claimed again, one that starts without a lease would never be lost.
    taken = claims.take(session, run_ids, worker=worker, lease_seconds=lease_seconds)
    others = len(taken) - 1
    for one in taken:
        run = run_or_error(session, one.run_id)
        # `move` flushes this before it reads the row again, so it is kept, and so is what `take`
        # wrote past the session.
        run.companions = others
        together = f", with {others} other{'s' if others > 1 else ''}" if others else ""
        said = f"Taken by {worker} (attempt {one.attempt}){together}."
        move(session, run, RunState.STARTING, message=said)
    return taken


def take_again(session: Session, *, worker: str, lease_seconds: float) -> list[Claim]:
    """Takes what a worker without a trainer has claimed before: it never got to know of it.

    The answer to the commit of that claim was lost, or the worker died with it. As new attempts,
    so that whoever did get to know writes nothing any more.
    """
    runs = claims.taken_by(session, worker)
    # Those that were planned together; the worker comes back for others.
    together = [run for run in runs if run is runs[0] or _is_companion(run, runs[0])]
    for run in together:
        run.attempt += 1
        run.lease_until = claims.lease_end(lease_seconds)
        run.companions = len(together) - 1
        said = f"Taken again by {worker} (attempt {run.attempt}): it had not heard of its claim."
        record_event(session, run, RunState.STARTING, said)
    return [Claim(run.id, run.attempt) for run in together]


def _is_companion(run: Run, first: Run) -> bool:
    return bool(first.cohort_key) and run.cohort_key == first.cohort_key and not first.alone


def give_back(session: Session, run: Run, reason: str) -> None:
    """Ends an attempt whose worker stops; the run waits for the next one."""
    # The caller holds the row, so what was asked for until now is seen here, and what is asked
    # later finds a waiting run.
    if _ends_as_asked(session, run):
        return
    run.fruitless_attempts = max(0, run.fruitless_attempts - 1)
    move(session, run, RunState.QUEUED, message=reason)
    # Sent after the commit: a worker woken up before it would find the run still held, pass it
    # over and sleep on.
    send_train(session, run.id)


def set_aside(session: Session, run: Run, place: str) -> None:
    """Ends an attempt that saved its run because it was to pause; one resumed since goes on."""
    # The state is that of the held row, not the one that the trainer saved for: a resume may have
    # come between its leaving and this flush.
    if run.state == RunState.PAUSING:
        run.fruitless_attempts = 0
        move(session, run, RunState.PAUSED, message=place)
    else:
        give_back(session, run, "Resumed while it was pausing; it waits for a worker.")


def _ends_as_asked(session: Session, run: Run) -> bool:
    """Gives a run that was to stop or to pause what was asked for; False if nothing was."""
    if run.state == RunState.STOPPING:
        move(session, run, RunState.CANCELLED)
    # Its trainer has not saved; it goes on later from the resume point before. Queued instead, it
    # would train although somebody was told that it pauses.
    elif run.state == RunState.PAUSING:
        run.fruitless_attempts = 0
        move(session, run, RunState.PAUSED)
    else:
        return False
    return True


def refuse(session: Session, run: Run, reason: str, kind: ErrorKind) -> None:
    """Ends an attempt for which no trainer is started: the run cannot be trained as it is."""
    if not _ends_as_asked(session, run):
        said = {"message": reason, "error_message": reason}
        move(session, run, RunState.FAILED, error_kind=kind, **said)


def fail_awaiting(session: Session, run: Run) -> None:
    """Ends a run that waits for a checkpoint that no one will save any more."""
    names = enumerate_words([one.replace("@", " at ") for one in run.awaits])
    message = f"It grafts from run {names} sequences, which ended without that checkpoint."
    kind = ErrorKind.CHECKPOINT
    move(session, run, RunState.FAILED, message=message, error_kind=kind, error_message=message)


def lose(
    session: Session,
    run: Run,
    reason: str,
    kind: ErrorKind = ErrorKind.WORKER_LOST,
    *,
    alone: bool = False,
) -> None:
    """Ends an attempt that died: the run is lost and will be resumed, unless that is hopeless.

    A run that was to stop or to pause does so; one that died `MAX_FRUITLESS` times in a row without
    measuring anything new has failed, of that kind. `alone`: from now on it is trained by itself.
    """
    run.alone = run.alone or alone
    if _ends_as_asked(session, run):
        return
    # Counted up by every claim and set to 0 by the first new measurement, both under the row's
    # lock: an attempt that dies between the two has counted.
    if run.fruitless_attempts >= MAX_FRUITLESS:
        message = f"{reason} {MAX_FRUITLESS} attempts in a row measured nothing new past "
        message += f"{grouped(run.sequences)} sequences, so it is not tried again."
        move(
            session,
            run,
            RunState.FAILED,
            message=message,
            error_kind=kind,
            error_message=message,
        )
    else:
        move(session, run, RunState.LOST, message=reason)
        send_train(session, run.id)
