"""Waiting for Postgres while it is away: a restart of it costs time, never a run."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

log = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (OperationalError, InterfaceError)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


def retry_while_away(
    action: Callable[[], T], *, is_stopping: Callable[[], bool] = lambda: False
) -> T:
    """Does a whole transaction, again and again until Postgres answers, or the process is to stop:
    then the last error is raised.

    A commit whose answer got lost is done twice, so the action must double nothing.
    """
    pause = FIRST_PAUSE
    # Deadlocks are among these, too: Postgres ends one of two, and its transaction is done again.
    while True:
        try:
            # Must be a whole transaction: half of one cannot be done again on another connection.
            return action()
        # Errors of SQL itself are not among these: they would be the same every time, for ever.
        except AWAY as error:
            log.warning("Postgres does not answer, trying again: %s", error.orig)
            if is_stopping():
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
