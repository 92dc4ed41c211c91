"""Several runs in one stream: browsers allow six connections per server, and a page many runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from app.services.live import events
from app.services.live.follower import Follower
from app.services.live.hub import Hub

Queue = asyncio.Queue[bytes | bool | Exception]

MOST_WAITING = 64  # events; a client that reads slowly holds the runs' own streams back


async def follow_many(hub: Hub, places: Mapping[str, int]) -> AsyncIterator[bytes]:
    """Events of all these runs past their places, each with whose it is, until all have ended."""
    # Bounded: of a client that does not read, the relays stop here, and their queues turn to
    # "read the database" instead of growing.
    queue: Queue = asyncio.Queue(MOST_WAITING)
    tasks = [asyncio.create_task(_relay(hub, one, at, queue)) for one, at in places.items()]
    try:
        yield events.HELLO
        # Each relay puts its end last, after all of its events, so nothing is left in the queue
        # when all have ended.
        ended: list[bool] = []
        while len(ended) < len(tasks):
            match await queue.get():
                case Exception() as error:
                    raise error  # what fails in one fails the stream
                case bool(has_ended):
                    ended.append(has_ended)
                case event:
                    yield event
        if all(ended):  # else the server stops, and the browser is to come back
            yield events.done_event("ended")
    finally:
        # Also when the client has left: the generator is closed at its `yield`. Relays that went
        # on would wait at the full queue for ever, and their subscriptions with them.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _relay(hub: Hub, run_id: str, after: int, queue: Queue) -> None:
    """Puts the events of one run into the queue, and at their end whether the run has ended."""
    follower = Follower(hub, run_id, after)
    try:
        async for event in follower.stream():
            if event is not events.HELLO:
                await queue.put(events.addressed(run_id, event))
    # Handed over instead of raised: nobody awaits this task before the end, and the stream would
    # hang with a run missing. The browser comes back and asks for what it lacks.
    except Exception as error:
        await queue.put(error)
    else:
        await queue.put(follower.has_told_all)
