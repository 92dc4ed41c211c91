"""News of runs for open pages: one Redis subscription per process, a queue per open stream.

News only save reads. Whenever some may be missing (a queue was full, Redis is away or just back)
the queue says so, and its reader goes to the database. While Redis is away that is every second.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from time import monotonic

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import Engine

from app.schemas.api.events import CHANNEL_PREFIX
from app.services.beats import Beat, nobody_hears
from app.services.live.events import RunNews, news_from
from app.services.live.reads import SharedReads
from app.services.runs.outbox import ANSWER_SECONDS, CONNECT_SECONDS, client_url

log = logging.getLogger(__name__)

AWAY_SECONDS = 1.0  # between reads of the database while Redis is away
QUEUE_SIZE = 200  # news; a reader that is further behind reads the database
SILENT_SECONDS = 5.0  # after which the subscription is asked whether it is alive


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a queue held: news, and whether some are missing or the stream must end."""

    news: tuple[RunNews, ...] = ()
    reread: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """Runs that open streams follow, and for how many seconds the slowest has not read its news."""

    streams: int
    lag: float


class StreamQueue:
    """What one stream has not yet seen; never more than `QUEUE_SIZE` news."""

    def __init__(self) -> None:
        self._news: deque[RunNews] = deque()
        self._reread = False
        self._waits_since: float | None = None
        self._something = asyncio.Event()
        self._over = asyncio.Event()

    def put(self, news: RunNews) -> None:
        # From the loss of anything until the stream has taken it up: what comes now is committed,
        # so the read that follows includes it.
        if self._reread:
            return  # what is read from the database will include it
        if len(self._news) >= QUEUE_SIZE:
            self.reread()
            return
        self._news.append(news)
        self._wake()

    def reread(self) -> None:
        """Something may be missing."""
        # What was here is older than the read that now comes; kept, it would only be compared and
        # dropped.
        self._news.clear()
        self._reread = True
        self._wake()

    def _wake(self) -> None:
        if self._waits_since is None:
            self._waits_since = monotonic()
        self._something.set()

    @property
    def lag(self) -> float:
        """Seconds since the first of what has not been taken."""
        since = self._waits_since
        return 0.0 if since is None else monotonic() - since

    def close(self) -> None:
        """The stream must end."""
        # Both: `rest` waits for this one alone, `take` for anything.
        self._over.set()
        self._something.set()

    async def rest(self, seconds: float) -> None:
        """Waits so long, unless the stream must end before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    async def take(self, seconds: float) -> Delivery:
        """All there is, as soon as there is something; nothing after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._something.wait(), seconds)
        # From here to the return nothing awaits, so no news can come between the clearing and the
        # taking and be slept over.
        self._something.clear()
        self._waits_since = None
        delivery = Delivery(tuple(self._news), self._reread, self._over.is_set())
        self._news.clear()
        self._reread = False
        return delivery


class Hub:
    """Hands the news of a web process out to its streams."""

    def __init__(self, engine: Engine, redis_url: str, beat: Beat = nobody_hears) -> None:
        self.reads = SharedReads(engine)
        self._redis_url, self._beat = redis_url, beat
        self._queues: dict[str, set[StreamQueue]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Begins to listen, in the running event loop."""
        self._listener = asyncio.create_task(self._listen())

    def close(self) -> None:
        """Ends every stream, those open now and those that come."""
        # First, then the queues: a stream that opens in between finds it set. All of this is one
        # thread, the event loop's, and nothing here awaits while it goes through the queues.
        self._closed = True
        for queue in self._all():
            queue.close()

    async def stop(self) -> None:
        """Ends every stream and the subscription."""
        self.close()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    @contextmanager
    def subscribe(self, run_id: str) -> Iterator[StreamQueue]:
        """Subscribes to the run's news from now on: they come into the queue."""
        queue = StreamQueue()
        # A request that was accepted before the server was told to stop may get here after; nobody
        # would close its queue any more.
        if self._closed:
            queue.close()
        self._queues[run_id].add(queue)
        try:
            yield queue
        finally:
            # Also when the client has gone: the generator is closed, and the block with it. An
            # queue that stayed would be filled for ever.
            self._queues[run_id].discard(queue)
            if not self._queues[run_id]:
                del self._queues[run_id]

    def deliver(self, channel: str, payload: bytes) -> None:
        """Gives what Redis published to the run's streams."""
        run_id = channel.removeprefix(CHANNEL_PREFIX)
        # Before anybody is woken up: who reads because of these news must not share a read that
        # began before their commit. Also for news that cannot be parsed, or that no stream of ours
        # wants.
        self.reads.outdated(run_id)
        queues = self._queues.get(run_id)
        if not queues:
            return
        try:
            news = news_from(payload)
        except ValidationError:
            log.exception("run %s: news that cannot be read: %r", run_id, payload[:200])
            return
        for queue in queues:
            queue.put(news)

    def load(self) -> StreamLoad:
        """How much it has to do, asked from any thread."""
        queues = [queue for some in list(self._queues.values()) for queue in list(some)]
        return StreamLoad(len(queues), max((queue.lag for queue in queues), default=0.0))

    def everyone_rereads(self) -> None:
        for run_id, queues in self._queues.items():
            self.reads.outdated(run_id)
            for queue in queues:
                queue.reread()

    def _all(self) -> Iterator[StreamQueue]:
        return (queue for queues in self._queues.values() for queue in queues)

    async def _listen(self) -> None:
        """Keeps a subscription; while there is none, everyone reads the database."""
        while True:
            self._beat()  # it listens, or says to all that it cannot: both is its work
            try:
                async with _subscription(self._redis_url) as subscription:
                    await self._relay(subscription)
            except (RedisError, OSError) as error:
                log.warning("no news from Redis (%s); streams read the database", error)
            except Exception:  # a bug, for one message perhaps: no reason to hear of none any more
                log.exception("no news from Redis; streams read the database")
            # After every loss, and each second while Redis is away: nobody knows what was
            # published meanwhile, since Redis keeps nothing for those who do not listen.
            self.everyone_rereads()
            await asyncio.sleep(AWAY_SECONDS)

    async def _relay(self, subscription: PubSub) -> None:
        """Hands out what comes, until the connection is lost or silent for too long."""
        asked = False
        while True:
            message = await subscription.get_message(timeout=SILENT_SECONDS)
            self._beat()
            if message is None:
                if asked:
                    # A connection that was cut without a word (a firewall, a suspended machine)
                    # looks like silence.
                    raise ConnectionError("it does not answer")
                await subscription.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "psubscribe":
                log.info("listening to news from Redis")
                # Only when the subscription is confirmed: what was published before is lost, what
                # comes after is heard. Told earlier, they would read and then miss what lies in
                # between.
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
