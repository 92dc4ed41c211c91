"""Finds runs that nobody looks after: silent trainers, and wake-ups that no worker got.

Runs in a thread of every web process; a lock in the database lets one of them work at a time.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import locks, runs, waiting
from app.db.engine import session_scope
from app.services.beats import Beat, nobody_hears
from app.services.runs.attempts import fail_awaiting, lose
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.periodic import Periodic

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
OVERDUE_SECONDS = 3.0  # of a waiting run, before its wake-up is taken for lost
AT_ONCE = 100
GRACE_SECONDS = 10.0  # after an outage; trainers try to renew their leases every second
GAP_SECONDS = 3.0  # that a sweep may take before Postgres is taken to have been away
LONGEST_JUMP = 2.0  # of the database's clock; slower than that it is set without harm


class Kept(NamedTuple):
    """What the reaper looks after: how what went silent is lost, and who has waited for so many
    seconds, so many at most."""

    lose_silent: Callable[[Session], None]
    overdue: Callable[[Session, float, int], Sequence[str]]


class Reaper(Periodic):
    """Sweeps every so often, until it is stopped."""

    def __init__(
        self,
        engine: Engine,
        outbox: Outbox,
        *,
        every_seconds: float = EVERY_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        beat: Beat = nobody_hears,
        also: Sequence[Kept] = (),
    ) -> None:
        super().__init__("reaper", self._sweep, every_seconds=every_seconds, beat=beat)
        self._engine, self._outbox, self._also = engine, outbox, also
        self._outages = Outages(grace_seconds, longest_gap=every_seconds + GAP_SECONDS)

    def _sweep(self) -> None:
        try:
            with session_scope(self._engine) as session:
                now = runs.now(session)
        except SQLAlchemyError:
            self._outages.begin()
            raise
        loses = self._outages.are_over(now, monotonic())
        sweep(self._engine, self._outbox, loses=loses, also=self._also)


class Outages:
    """Whether leases that have expired say anything: while Postgres was away nobody could renew."""

    def __init__(self, grace_seconds: float, longest_gap: float) -> None:
        self._grace, self._longest_gap = grace_seconds, longest_gap
        self._seen: tuple[datetime, float] | None = None
        self._answers_since = float("-inf")

    def begin(self) -> None:
        """Postgres did not answer."""
        self._seen = None

    def are_over(self, database: datetime, here: float) -> bool:
        """Whether trainers have had their time to renew, as of a look that Postgres has answered:
        its clock, and the seconds of our own that nobody sets."""
        if self._seen is None or self._was_away(database, here):
            self._answers_since = here
        self._seen = database, here
        return here - self._answers_since >= self._grace

    def _was_away(self, database: datetime, here: float) -> bool:
        assert self._seen is not None
        before, then = self._seen
        # By our clock it was not asked, or did not answer, for long; or its own was set forward, by
        # which leases end that have just been given.
        jump = (database - before).total_seconds() - (here - then)
        return here - then > self._longest_gap or jump > LONGEST_JUMP


def sweep(engine: Engine, outbox: Outbox, *, loses: bool = True, also: Sequence[Kept] = ()) -> bool:
    """One look: expired leases end (if it `loses`), and waiting runs are announced again. False if
    another process is at it, and has yet to commit what it finds."""
    # Losing, and the wake-up for the next worker, are one transaction: the message is sent after
    # the commit, so that whoever takes it finds the run waiting.
    with transaction(engine, outbox) as session:
        # Tried and not waited for: a sweep that waited would do again what the one before has
        # done.
        if not locks.try_lock(session, "optoscope.reaper"):
            return False
        kept = (_RUNS, *also)
        for one in kept if loses else ():
            one.lose_silent(session)
        overdue = [id for one in kept for id in one.overdue(session, OVERDUE_SECONDS, AT_ONCE)]
    # After the commit: Redis may be slow to answer, and nobody is to wait for rows meanwhile.
    _wake_workers(overdue, outbox)
    return True


def _lose_silent(session: Session) -> None:
    for run in waiting.awaiting_in_vain(session):
        fail_awaiting(session, run)
    for run in runs.silent_runs(session):
        # The rows are locked since they were found silent. Their trainers may still live (stopped,
        # cut off): from this commit on `hold_all` gives them nothing, and they write no more.
        lose(session, run, f"Nothing was heard from {run.worker or 'its trainer'} in time.")


def _overdue(session: Session, seconds: float, limit: int) -> Sequence[str]:
    return runs.waiting_runs(session, seconds=seconds, limit=limit)


_RUNS = Kept(_lose_silent, _overdue)


def _wake_workers(overdue: Sequence[str], outbox: Outbox) -> None:
    """Sends tasks again that must have been lost: somebody waits, and the broker has nothing."""
    if not overdue:
        return
    try:
        announced = outbox.waiting()
    except RedisError as error:
        log.warning("waiting runs were not announced again: %s", error)
        return
    # Only when the queue is empty: what is in it wakes workers up, and each trains all that waits.
    # Runs may wait for hours while all workers are busy; a message each per sweep would pile up.
    if announced == 0:
        outbox.send_trains(overdue)
