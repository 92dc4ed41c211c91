"""Server-sent events of a run: read, and gone on with after the connection broke."""

import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from optoscope.wire.connection import SILENCE, Connection, Json
from optoscope.wire.errors import OptoscopeError

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0  # seconds between tries
PATIENCE = 600.0  # seconds without any answer after which a stream is given up


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event: its name, what it says, and for measurements the place that it brings one to."""

    name: str
    data: Json
    place: int | None = None


def read_events(pieces: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Events from an answer's pieces, which may end anywhere; half an event at the end is none."""
    fields: dict[bytes, bytes] = {}
    for line in _lines(pieces):
        if line:
            name, _, value = line.partition(b":")
            fields[name] = value.removeprefix(b" ")  # a comment's name is empty
        else:
            if b"data" in fields:
                yield _event(fields)
            fields = {}


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # By hand: text has more ends of lines than a stream of events has, and a run's notes may hold
    # them (U+2028).
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)


def _event(fields: dict[bytes, bytes]) -> ServerEvent:
    place = int(fields[b"id"]) if fields.get(b"id") else None
    return ServerEvent(fields[b"event"].decode(), json.loads(fields[b"data"]), place)


@dataclass
class EventFollower:
    """The events of one run from a place on, over as many connections as it takes.

    `last`: the place up to which measurements have come. A connection that breaks, or a server
    that restarts, costs time and nothing else: the next begins past `last`.
    """

    connection: Connection
    run_id: str
    last: int = -1
    patience: float = PATIENCE
    deadline: float | None = None  # of `time.monotonic`; then `TimeoutError`
    _heard_at: float = field(default_factory=time.monotonic, init=False)
    _pause: float = field(default=FIRST_PAUSE, init=False)

    def events(self) -> Iterator[ServerEvent]:
        """Until the run has ended; the last is `done`."""
        while True:
            asked_for = 0.0
            try:
                for event in self._connected():
                    yield event
                    if event.name == "done":
                        return
            except OptoscopeError as error:
                if not error.is_passing or self._silence() > self.patience:
                    raise
                asked_for = error.retry_after
            self._wait(asked_for)

    def _connected(self) -> Iterator[ServerEvent]:
        path = f"/runs/{self.run_id}/events"
        with self.connection.stream(path, {"after": self.last}, timeout=SILENCE) as answer:
            for event in read_events(self._heard(answer.iter_bytes())):
                if event.place is not None:
                    self.last = event.place
                yield event

    def _heard(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._check_deadline()
            self._heard_at, self._pause = time.monotonic(), FIRST_PAUSE
            yield piece

    def _silence(self) -> float:
        return time.monotonic() - self._heard_at

    def _wait(self, at_least: float) -> None:
        self._check_deadline()
        # Not all at once, where a server that restarts had many readers.
        time.sleep(max(self._pause * random.uniform(0.5, 1), min(at_least, LONGEST_PAUSE)))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _check_deadline(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise TimeoutError(f"Run {self.run_id} has not ended yet; it goes on.")
