"""One open stream of a run: everything after a place, then everything new, each once.

The database is read first and whenever the chain of measurements has a gap; what the queue holds
meanwhile is dropped by its `sequences` if it was read already. No connection is held while waiting.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import runs, series
from app.schemas.state import RunState
from app.services.live import events
from app.services.live.events import RunNews
from app.services.live.hub import Delivery, Hub, StreamQueue
from app.services.runs.run_read import read_run
from app.services.series.measurements import measurement_of

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0  # without news; then the database is read all the same
SNAPSHOT_SECONDS = 0.25  # between two `run` events
BATCH = 200  # measurements in one event
RETRY_SECONDS = 1.0  # after the database did not answer


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """Where a run stands, worded once for all streams that ask at a time."""

    ended: str  # the state in which it will stay, or nothing
    rests: bool  # no measurements come, for now at least
    event: bytes


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Measurements, worded once for all streams: a thousand copies would be half a gigabyte."""

    last: int  # `sequences` of the last of them
    is_full: bool  # there may be more
    event: bytes = b""  # none, if there are none


def read_snapshot(session: Session, run_id: str) -> RunSnapshot | None:
    """The run as it is; None once it is deleted."""
    run = runs.run_by_id(session, run_id)
    if run is None:
        return None
    read = read_run(run)
    ended = read.state if read.is_terminal else ""
    rests = read.is_terminal or read.state is RunState.PAUSED
    return RunSnapshot(ended, rests, events.run_event(read))


def read_batch(session: Session, run_id: str, after: int) -> RowBatch:
    """The next measurements, each with the moment at which it was computed."""
    rows = series.measurements_after(session, run_id, after, limit=BATCH)
    if not rows:
        return RowBatch(after, is_full=False)
    found = [(measurement_of(row), row.computed_at.isoformat()) for row in rows]
    return RowBatch(rows[-1].sequences, len(rows) == BATCH, events.measurements_event(found))


def read_frames(session: Session, run_id: str, since: int) -> Sequence[int]:
    """Where there are frames, from `since` on."""
    return series.frame_sequences(session, run_id, since=since)


@dataclass
class Follower:
    """What one stream has sent, and what it knows to be missing."""

    hub: Hub
    run_id: str
    last: int  # measurement that was sent
    _frames_from: int = 0  # from here on the database was not asked for frames yet
    _frames_told: set[int] = field(default_factory=set)  # of those, the ones that were sent
    _behind: bool = True  # the database may hold measurements or frames that were not sent
    _stale: bool = True  # the run changed since the last `run` event
    _told_at: float = -math.inf  # when that was sent
    _last_word: bytes = b""  # a `run` event that waits until every measurement was sent
    _ended: str = ""  # the state in which the run will stay
    _done: bool = False

    @property
    def has_told_all(self) -> bool:
        """Whether the run has ended and all of it was sent; else the server stops."""
        return bool(self._ended) and not self._behind

    async def stream(self) -> AsyncIterator[bytes]:
        """Events until the run has ended, the client leaves or the server stops."""
        self._frames_from = max(0, self.last)
        yield events.HELLO
        # Opened before the first read: what is committed after that read is announced into the
        # queue, and what is in both is known by its `sequences`. The other way round, a
        # measurement between the two would be missed until the next gap.
        with self.hub.subscribe(self.run_id) as queue:
            while not self._done:
                try:
                    # One by one: `last` moves with every event, so what is ready must leave before
                    # a read that may fail.
                    async for event in self._next(queue):
                        yield event
                # Whatever was read or not before the error: both are read again.
                except SQLAlchemyError as error:
                    log.warning("run %s: a stream waits for the database: %s", self.run_id, error)
                    yield events.PING
                    self._behind = self._stale = True
                    await queue.rest(RETRY_SECONDS)

    async def _next(self, queue: StreamQueue) -> AsyncIterator[bytes]:
        """What there is to send now."""
        # The only place where a stream waits for long; it holds no connection and no transaction
        # then.
        delivery = await queue.take(self._timeout())
        if delivery.closed:
            self._done = True
            return
        self._mark(delivery)
        # Before the reads, which then begin past what these have brought.
        for news in delivery.news:
            if event := self._relay(news):
                yield event
        if self._stale and self._snapshot_in() == 0 and (event := await self._snapshot()):
            yield event
        if self._behind:
            async for event in self._catch_up():
                yield event
        for event in self._last_words():
            yield event

    def _mark(self, delivery: Delivery) -> None:
        """What is to be read now."""
        # Only ever raised here: what is up stays up until a read has reached the end.
        idle = not (delivery.news or delivery.reread or self._behind or self._stale)
        self._behind = self._behind or delivery.reread or idle  # idle for long: look, to be sure
        self._stale = self._stale or delivery.reread or bool(delivery.news) or idle

    def _last_words(self) -> list[bytes]:
        """That the run rests, or has ended: said when all of it was sent."""
        # Relies on the read past `last` having begun after the run was seen to have ended, which
        # `SharedReads` promises. Both are one commit, the last measurement and the end, so such a
        # read brings the last of them.
        if self._behind:
            return []
        words = [self._last_word] if self._last_word else []
        self._last_word = b""
        if self._ended:
            words.append(events.done_event(self._ended))
            self._done = True
        return words

    def _relay(self, news: RunNews) -> bytes:
        """The event, if it is the next one; nothing if it was sent, or if something is missing."""
        if news.is_measurement and news.sequences > self.last:
            # The chain is what makes news as good as a read: any that were lost or came in another
            # order leave a gap between `previous` and the last one sent.
            if news.previous == self.last:
                self.last = news.sequences
                return news.event
            # A gap: nothing is sent until the database has filled it, so that ids only ever grow.
            # A browser that comes back asks for what lies past the last one.
            self._behind = True
        elif news.is_frame and self._is_new_frame(news.sequences):
            self._frames_told.add(news.sequences)
            return news.event
        return b""

    def _is_new_frame(self, sequences: int) -> bool:
        return sequences >= self._frames_from and sequences not in self._frames_told

    async def _snapshot(self) -> bytes:
        """Where the run stands; nothing yet if it rests, as what was written last comes first."""
        # Before the read: what is put into the queue from now on raises it again at the next turn.
        self._stale = False
        run = await self.hub.reads.read(read_snapshot, self.run_id)
        self._told_at = asyncio.get_running_loop().time()
        if run is None:
            self._ended = "deleted"
            return events.PING
        if not run.rests:
            return run.event
        # News of the last measurements may be lost or still on their way; a read is not. A page
        # that hears of the end takes what it has for all there is.
        self._ended, self._behind, self._last_word = run.ended, True, run.event
        return b""

    async def _catch_up(self) -> AsyncIterator[bytes]:
        """The next measurements from the database; after the last of them the frames."""
        batch = await self.hub.reads.read(read_batch, self.run_id, self.last)
        if batch.event:
            self.last = batch.last
            yield batch.event
        # A full batch may not be the last. Frames wait until every measurement is there, as they
        # do in the commits that bring them.
        if not batch.is_full:
            if missing := await self._missing_frames():
                yield events.frames_event(missing)
            self._behind = False

    async def _missing_frames(self) -> list[int]:
        """Frames that were not sent. They have no chain: one whose news were lost is found here."""
        frames = await self.hub.reads.read(read_frames, self.run_id, self._frames_from)
        missing = [one for one in frames if self._is_new_frame(one)]
        if frames:
            # Relies on a run's frames being committed in the order of their `sequences`.
            self._frames_from = frames[-1] + 1
            self._frames_told = {one for one in self._frames_told if one >= self._frames_from}
        return missing

    def _timeout(self) -> float:
        """How long to wait for news: until there is something to read."""
        if self._behind:
            return 0
        return self._snapshot_in() if self._stale else IDLE_SECONDS

    def _snapshot_in(self) -> float:
        """Seconds until the next `run` event may be sent."""
        due = self._told_at + SNAPSHOT_SECONDS
        return max(0.0, due - asyncio.get_running_loop().time())
