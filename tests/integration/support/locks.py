"""Letting transactions run into each other, or lose their answers, at a chosen place, instead of
hoping that they do."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.integration.support.wait import until

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting(engine: Engine) -> int:
    """How many transactions wait for a lock."""
    with engine.connect() as connection:
        return int(connection.execute(_WAITING).scalar_one())


class Collision:
    """Transactions in threads of their own, which come up to a lock one after the other."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine, self._threads = engine, threads
        self._begun: list[Future[Any]] = []

    def begin(self, act: Callable[[], Any]) -> Future[Any]:
        """Starts one; returns when it waits for a lock, or is through without."""
        before = waiting(self._engine)
        future = self._threads.submit(act)
        until(lambda: future.done() or waiting(self._engine) > before)
        self._begun.append(future)
        return future


@contextmanager
def collision(engine: Engine) -> Iterator[Collision]:
    """The block's end waits for all that were begun in it: whatever they wait for must be over."""
    with ThreadPoolExecutor(8) as threads:
        yield Collision(engine, threads)


def lose_the_answer(to: Callable[[], bool]) -> None:
    """The answer to the first commit after which that holds does not come."""

    def fail(_session: Session) -> None:
        if to():
            event.remove(Session, "after_commit", fail)
            raise OperationalError("COMMIT", {}, Exception("the connection is gone"))

    event.listen(Session, "after_commit", fail)
