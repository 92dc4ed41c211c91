"""News of runs for open pages: one Redis subscription per process, an inbox per open stream.

News only save reads. Whenever some may be missing (an inbox was full, Redis is away or just back)
the inbox says so, and its reader goes to the database. While Redis is away that is every second.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import Engine

from app.schemas.api.events import CHANNEL_PREFIX
from app.services.live.events import news_from
from app.services.live.inbox import Inbox
from app.services.live.reads import SharedReads
from app.services.runs.outbox import ANSWER_SECONDS, CONNECT_SECONDS, client_url

log = logging.getLogger(__name__)

AWAY_SECONDS = 1.0  # between reads of the database while Redis is away
SILENT_SECONDS = 5.0  # after which the subscription is asked whether it is alive


class Hub:
    """Hands the news of a web process out to its streams."""

    def __init__(self, engine: Engine, redis_url: str) -> None:
        self.reads = SharedReads(engine)
        self._redis_url = redis_url
        self._inboxes: dict[str, set[Inbox]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Begins to listen, in the running event loop."""
        self._listener = asyncio.create_task(self._listen())

    def close(self) -> None:
        """Ends every stream, those open now and those that come."""
        self._closed = True
        for inbox in self._all():
            inbox.close()

    async def stop(self) -> None:
        """Ends every stream and the subscription."""
        self.close()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    @contextmanager
    def inbox(self, run_id: str) -> Iterator[Inbox]:
        """An inbox for the run's news from now on."""
        inbox = Inbox()
        if self._closed:
            inbox.close()
        self._inboxes[run_id].add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes[run_id].discard(inbox)
            if not self._inboxes[run_id]:
                del self._inboxes[run_id]

    def deliver(self, channel: str, payload: bytes) -> None:
        """Gives what Redis published to the run's streams."""
        run_id = channel.removeprefix(CHANNEL_PREFIX)
        self.reads.outdated(run_id)
        inboxes = self._inboxes.get(run_id)
        if not inboxes:
            return
        try:
            news = news_from(payload)
        except ValidationError:
            log.exception("run %s: news that cannot be read: %r", run_id, payload[:200])
            return
        for inbox in inboxes:
            inbox.put(news)

    def everyone_rereads(self) -> None:
        for run_id, inboxes in self._inboxes.items():
            self.reads.outdated(run_id)
            for inbox in inboxes:
                inbox.reread()

    def _all(self) -> Iterator[Inbox]:
        return (inbox for inboxes in self._inboxes.values() for inbox in inboxes)

    async def _listen(self) -> None:
        """Keeps a subscription; while there is none, everyone reads the database."""
        while True:
            try:
                async with _subscription(self._redis_url) as subscription:
                    await self._relay(subscription)
            except (RedisError, OSError) as error:
                log.warning("no news from Redis (%s); streams read the database", error)
            self.everyone_rereads()
            await asyncio.sleep(AWAY_SECONDS)

    async def _relay(self, subscription: PubSub) -> None:
        """Hands out what comes, until the connection is lost or silent for too long."""
        asked = False
        while True:
            message = await subscription.get_message(timeout=SILENT_SECONDS)
            if message is None:
                if asked:
                    raise ConnectionError("it does not answer")
                await subscription.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "psubscribe":
                log.info("listening to news from Redis")
                self.everyone_rereads()
            elif message["type"] == "pmessage":
                self.deliver(message["channel"].decode(), message["data"])


@asynccontextmanager
async def _subscription(redis_url: str) -> AsyncIterator[PubSub]:
    """A subscription to every run, which never reconnects by itself: gaps must be known."""
    client = Redis.from_url(
        client_url(redis_url),
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
    )
    try:
        async with client.pubsub() as subscription:
            await subscription.psubscribe(f"{CHANNEL_PREFIX}*")
            yield subscription
    finally:
        await client.aclose()
