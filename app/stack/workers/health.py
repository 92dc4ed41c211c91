"""`optoscope health`: whether the workers of this machine work, as far as the database has heard.

A process that is there may do nothing: its servers may be away, its disk full, its torch broken, or
a trainer of its stands still. So each must have been heard of just now and be without trouble, and
no run of theirs may have lost its lease, which a trainer renews five times in its time.
"""

import os
import socket

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db import workers
from app.db.engine import make_engine, session_scope
from app.db.workers import Here
from app.stack.leftovers import command_of
from app.stack.trouble import StackError
from app.stack.workers.programs import CELERY_APP


def check_workers(settings: Settings) -> int:
    """How many work. Raises `StackError` unless there is one, and all of them do."""
    engine = make_engine(settings.database_url, pool_size=1, patience_seconds=0)
    try:
        with session_scope(engine) as session:
            found = workers.of_host(session, socket.gethostname())
    except SQLAlchemyError as error:
        raise StackError(f"The database does not answer: {error}.") from None
    finally:
        engine.dispose()
    # A worker that was killed is remembered for a day; its successor has another number.
    here = [worker for worker in found if _is_worker(worker.pid)]
    if not here:
        raise StackError("No worker of this machine has been heard of.")
    for worker in here:
        if said := _complaint(worker):
            raise StackError(said)
    return len(here)


def _complaint(worker: Here) -> str:
    if not worker.is_heard:
        return f"Worker {worker.name} has not been heard of for 10 s or more."
    if worker.trouble:
        return f"Worker {worker.name} cannot train: {worker.trouble}"
    if worker.overdue:
        return f"A trainer of worker {worker.name} stands still: the lease of its run is over."
    return ""


def _is_worker(pid: int) -> bool:
    """Whether a Celery main process has this number, and not something that got it since: in a
    container that is started again, pool processes and threads have those of its last life."""
    try:
        # Each leads a session (`app/stack/child.py`), what it has started does not.
        return os.getsid(pid) == pid and CELERY_APP in (command_of(pid) or ())
    except OSError:
        return False
