"""Finds runs that nobody looks after: silent trainers, and wake-ups that no worker got.

Runs in a thread of every web process; a lock in the database lets one of them work at a time.
"""

import logging
import threading

from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import locks, runs
from app.services.runs.attempts import lose
from app.services.runs.outbox import Outbox, send_train, transaction

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
OVERDUE_SECONDS = 3.0  # of a waiting run, before its wake-up is taken for lost
AT_ONCE = 100


class Reaper:
    """Sweeps every so often, until it is stopped."""

    def __init__(
        self, engine: Engine, outbox: Outbox, *, every_seconds: float = EVERY_SECONDS
    ) -> None:
        self._engine, self._outbox = engine, outbox
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the sweep that is under way, if any, has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # After an outage longer than the leases this relies on the trainers, who try to renew
        # theirs every second, coming before the next sweep.
        while not self._stop.wait(self._every_seconds):
            try:
                sweep(self._engine, self._outbox)
            # Only this is expected here; any other error ends the thread, and with it the sweeps
            # of this process. Those of other web processes go on.
            except SQLAlchemyError as error:
                log.warning("lost runs were not looked for: %s", error)


def sweep(engine: Engine, outbox: Outbox) -> None:
    """One look: expired leases end, and waiting runs are announced again."""
    # Losing, and the wake-up for the next worker, are one transaction: the message is sent after
    # the commit, so that whoever takes it finds the run waiting.
    with transaction(engine, outbox) as session:
        # Tried and not waited for: a sweep that waited would do again what the one before has
        # done.
        if locks.try_lock(session, "optoscope.reaper"):
            _lose_silent(session)
            _wake_workers(session, outbox)


def _lose_silent(session: Session) -> None:
    for run in runs.silent_runs(session):
        # The rows are locked since they were found silent. Their trainers may still live (stopped,
        # cut off): from this commit on `hold_all` gives them nothing, and they write no more.
        lose(session, run, f"Nothing was heard from {run.worker or 'its trainer'} in time.")


def _wake_workers(session: Session, outbox: Outbox) -> None:
    """Sends tasks again that must have been lost: somebody waits, and the broker has nothing."""
    waiting = runs.waiting_runs(session, seconds=OVERDUE_SECONDS, limit=AT_ONCE)
    if not waiting:
        return
    try:
        # Asked within the transaction: while Redis is slow to answer, the rows lost above stay
        # locked for these seconds.
        announced = outbox.waiting()
    except RedisError as error:
        log.warning("waiting runs were not announced again: %s", error)
        return
    # Only when the queue is empty: what is in it wakes workers up, and each trains all that waits.
    # Runs may wait for hours while all workers are busy; a message each per sweep would pile up.
    for run_id in waiting if announced == 0 else ():
        send_train(session, run_id)
