"""`optoscope health`: whether the workers of this machine work, as far as the database has heard.

A process that is there may do nothing: its servers may be away, its disk full, its torch broken, or
a trainer of its stands still. So each must have been heard of just now and be without trouble, and
every run that it has in hand must keep its lease and go on.
"""

import os
import socket
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db import workers
from app.db.engine import make_engine, session_scope
from app.db.workers import Here, InHand
from app.schemas.state import RunState
from app.stack.leftovers import command_of
from app.stack.trouble import StackError
from app.stack.workers.programs import WORKER

# A run may be measured so many times later than it usually is before it is said to stand still, ...
LATE = 10
QUIET_SECONDS = 60.0  # ... and no sooner than that


def check_workers(settings: Settings) -> int:
    """How many work. Raises `StackError` unless there is one, and all of them do."""
    engine = make_engine(settings.database_url, pool_size=1, patience_seconds=0)
    try:
        with session_scope(engine) as session:
            found = workers.of_host(session, socket.gethostname())
            # A worker that was killed is remembered for a day; its successor has another number.
            here = [worker for worker in found if _is_worker(worker.pid)]
            hands = workers.in_hand(session, [worker.name for worker in here])
    except SQLAlchemyError as error:
        raise StackError(f"The database does not answer: {error}.") from None
    finally:
        engine.dispose()
    if not here:
        raise StackError("No worker of this machine has been heard of.")
    now = datetime.now(UTC)
    complaints = [*map(_complaint, here)]
    complaints += [stands_still(run, now, settings.stall_seconds) for run in hands]
    for said in filter(None, complaints):
        raise StackError(said)
    return len(here)


def _complaint(worker: Here) -> str:
    if not worker.is_heard:
        return f"Worker {worker.name} has not been heard of for 10 s or more."
    if worker.trouble:
        return f"Worker {worker.name} cannot train: {worker.trouble}"
    return ""


def stands_still(run: InHand, now: datetime, stall_seconds: float) -> str:
    """A sentence about a run that does not go on; nothing about one that does.

    `now`: by the clock of this machine, which has also said when the run was measured.
    """
    whose = f"The trainer that worker {run.worker} has for run {run.run_id}"
    if run.overdue:
        return f"{whose} stands still: its lease is over."
    quiet, limit = run.moved_seconds, stall_seconds
    if run.state == RunState.RUNNING and run.measured_at is not None:
        # An earlier attempt may have measured it last, long before this one began.
        quiet = min(quiet, (now - run.measured_at).total_seconds())
        if run.sequences_per_second:
            usual = run.evaluate_every / run.sequences_per_second
            limit = max(QUIET_SECONDS, LATE * usual)
    # Those that were asked to go are let go in seconds by their worker, whatever they do.
    if run.state not in (RunState.STARTING, RunState.RUNNING) or quiet <= limit:
        return ""
    return f"{whose} stands still: nothing was heard of it for {quiet:.0f} s."


def _is_worker(pid: int) -> bool:
    """Whether a Celery main process has this number, and not something that got it since: in a
    container that is started again, pool processes and threads have those of its last life."""
    try:
        # Each leads a session (`app/stack/child.py`), what it has started does not.
        return os.getsid(pid) == pid and WORKER in (command_of(pid) or ())
    except OSError:
        return False
