"""What leaves after a commit: tasks for workers and news for open pages.

Postgres is the truth and Redis may be down: nothing here waits long or raises. A task that was
lost is sent again by `services.reaper`; a page that missed news reads the database.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import monotonic

import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import after_commit, session_scope
from app.schemas.api.events import (
    TRAIN_QUEUE,
    TRAIN_TASK,
    Message,
    RunMessage,
    channel,
)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
SILENT_SECONDS = 1.0
_OUTBOX = "outbox"

Transactions = Callable[[], AbstractContextManager[Session]]  # begins one


class Outbox:
    """Connections to Redis for one process. Made once, passed down, closed at the end."""

    def __init__(self, redis_url: str) -> None:
        self.redis = redis_client(redis_url)
        self._producer = _producer(redis_url)
        # Written and read by all threads without a lock: at worst some try once more, or not,
        # within a second in which Redis failed.
        self._silent_until = float("-inf")

    def send_train(self, run_id: str) -> bool:
        """Wakes a worker up for a run; False if Redis did not take it."""
        try:
            self._producer.send_task(TRAIN_TASK, args=[run_id], queue=TRAIN_QUEUE)
        except (OperationalError, redis.RedisError, OSError) as error:
            log.warning(
                "run %s: no worker could be told (%s); it is told again soon", run_id, error
            )
            return False
        return True

    def send_trains(self, run_ids: Sequence[str]) -> None:
        """Wakes workers up for many runs; after a failure the others are told again soon, too."""
        # One message each, though any of them has a worker train all that waits: each may wake up
        # another worker.
        for run_id in run_ids:
            if not self.send_train(run_id):
                return

    def publish(self, name: str, payload: str) -> bool:
        """Publishes on a Redis channel; False if Redis did not take it.

        After a failure nothing is tried for a moment: a trainer publishes hundreds of news a
        second and must not wait for each.
        """
        if monotonic() < self._silent_until:
            return False
        try:
            # Threads share the client: its pool gives each call a connection of its own.
            self.redis.publish(name, payload)
        except (redis.RedisError, OSError) as error:
            # Lost for good, and never sent late: streams find the gap by the next `previous`, or
            # at their next idle look.
            log.warning("%s: news not published (%s)", name, error)
            self._silent_until = monotonic() + SILENT_SECONDS
            return False
        return True

    def waiting(self) -> int:
        """Wake-ups that no worker has taken yet. Raises `redis.RedisError` when Redis is down."""
        # Messages that a worker has fetched are not counted, those that it trains for included:
        # workers acknowledge before they start.
        return int(self.redis.llen(TRAIN_QUEUE))

    def close(self) -> None:
        """Gives the connections back."""
        self._producer.close()
        self.redis.close()


@contextmanager
def transaction(engine: Engine, outbox: Outbox) -> Iterator[Session]:
    """`session_scope` whose after-commit tasks and news go through `outbox`."""
    with session_scope(engine) as session:
        # Inside the transaction, and used when it is over: the actions after the commit run while
        # the block is being left.
        session.info[_OUTBOX] = outbox
        yield session


def send_train(session: Session, run_id: str) -> None:
    """After the commit, wakes a worker up for the run."""
    # The id and the outbox are bound now: after the commit nothing may be read from the session.
    outbox = _outbox(session)
    after_commit(session, lambda: outbox.send_train(run_id))


def send_trains(session: Session, run_ids: Sequence[str]) -> None:
    """After the commit, wakes workers up for many runs."""
    outbox = _outbox(session)
    after_commit(session, lambda: outbox.send_trains(run_ids))


def publish(session: Session, run_id: str, message: Message) -> None:
    """After the commit, tells open pages about the run."""
    # Worded now: the caller may change what the message was made of before the commit.
    outbox, payload = _outbox(session), message.model_dump_json()
    after_commit(session, lambda: outbox.publish(channel(run_id), payload))


def publish_run(session: Session, run_id: str) -> None:
    """After the commit, tells open pages to read the run's row; once per transaction."""
    # One is enough: it is sent after the commit, and whoever reads then sees all of the
    # transaction.
    told: set[str] = session.info.setdefault("told", set())
    if run_id not in told:
        told.add(run_id)
        publish(session, run_id, RunMessage())


def redis_client(redis_url: str) -> redis.Redis:
    """A client that fails within seconds instead of waiting for a server that is gone."""
    return redis.Redis.from_url(
        client_url(redis_url),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # News published twice by this are harmless: streams know them by their `sequences`.
        retry=Retry(NoBackoff(), 1),  # once more: the server may have restarted since
    )


def client_url(redis_url: str) -> str:
    """The URL as redis-py spells it (`unix://` for sockets)."""
    return redis_url.replace("redis+socket://", "unix://", 1)


def broker_url(redis_url: str) -> str:
    """The URL as Celery spells it (`redis+socket://` for sockets)."""
    if redis_url.startswith("rediss://") and "ssl_cert_reqs=" not in redis_url:
        # Celery would take any certificate, where the client of the same URL takes only sound ones.
        redis_url += f"{'&' if '?' in redis_url else '?'}ssl_cert_reqs=required"
    return redis_url.replace("unix://", "redis+socket://", 1)


def _producer(redis_url: str) -> Celery:
    """A Celery app that can only send: it knows no task, they are sent by name."""
    app = Celery("optoscope", broker=broker_url(redis_url), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        task_ignore_result=True,
        # Fails at once: the reaper sends it again, while a request that retries would keep its
        # user waiting.
        task_publish_retry=False,
        task_default_queue=TRAIN_QUEUE,
        broker_transport_options={
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
            "max_retries": 1,
        },
    )
    return app


def _outbox(session: Session) -> Outbox:
    """The session's outbox; a session without one was not opened with `transaction`."""
    outbox = session.info[_OUTBOX]
    assert isinstance(outbox, Outbox)
    return outbox
