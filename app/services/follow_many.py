"""Several runs in one stream: browsers allow six connections per server, and a page many runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from app.services import events
from app.services.follow import Follower
from app.services.stream import Hub

MOST_WAITING = 64  # events; a client that reads slowly holds the runs' own streams back


async def follow_many(hub: Hub, places: Mapping[str, int]) -> AsyncIterator[bytes]:
    """Events of all these runs past their places, each with whose it is, until all have ended."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
    tasks = [asyncio.create_task(_relay(hub, one, at, queue)) for one, at in places.items()]
    try:
        yield events.HELLO
        going = len(tasks)
        while going:
            event = await queue.get()
            if event is None:
                going -= 1
            else:
                yield event
        for task in tasks:
            task.result()  # what failed in one fails the stream
        yield events.done_event("ended")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _relay(hub: Hub, run_id: str, after: int, queue: asyncio.Queue[bytes | None]) -> None:
    """Puts the events of one run into the queue, and None once it ends."""
    try:
        async for event in Follower(hub, run_id, after).stream():
            if event is not events.HELLO:
                await queue.put(events.addressed(run_id, event))
    except Exception:
        await queue.put(None)
        raise
    await queue.put(None)
