"""Reads of the database on behalf of many streams."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine

from app.db.engine import session_scope

Answer = TypeVar("Answer")


class SharedReads:
    """Reads of the database for streams, in threads. Equal reads at the same time are one read.

    A read that began before news came may lack them, so it is not shared with those who ask after;
    nor with those who may know an answer that is newer than it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._under_way: dict[str, dict[Any, asyncio.Task[Any]]] = {}

    def outdated(self, run_id: str) -> None:
        """News came: who asks from now on gets a new read."""
        # Those who wait for the older reads still get their answers; only nobody joins them any
        # more. Relies on news being published after the commit that they are of.
        self._under_way.pop(run_id, None)

    async def read(self, question: Callable[..., Answer], run_id: str, *details: object) -> Answer:
        """`question(session, run_id, *details)`, asked in a transaction of its own."""
        reads = self._under_way.setdefault(run_id, {})
        key = (question, *details)
        # Between this look and the entry below nothing awaits: two streams cannot both begin the
        # same read.
        task = reads.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._ask, question, run_id, *details))
            reads[key] = task
            task.add_done_callback(lambda done: self._forget(run_id, done))
        # Shielded: a client that leaves cancels its own waiting, and not the read of the others.
        answer: Answer = await asyncio.shield(task)
        return answer

    def _forget(self, run_id: str, done: asyncio.Task[Any]) -> None:
        # With it all others that are under way: whoever sees in this answer that the run has ended
        # takes the next one for the last, and must not get one that began before the end. Called
        # before those who wait are woken up, as it was asked for before they were.
        self.outdated(run_id)
        if not done.cancelled():
            done.exception()  # whoever waited has got it; nobody may have

    def _ask(self, question: Callable[..., Answer], run_id: str, *details: object) -> Answer:
        # In a thread, with a session of its own: the loop goes on, and a pool that is used up
        # blocks this thread only.
        with session_scope(self._engine) as session:
            return question(session, run_id, *details)
