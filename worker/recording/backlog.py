"""Lines on their way to the recorder: bounded, so that a long outage blocks, not fills memory."""

import threading
from collections.abc import Sequence
from time import monotonic

from worker.recording.entries import Line

MOST_BYTES = 256_000_000
MOST_ENTRIES = 20_000
AT_ONCE = 500  # so that a flush after an outage stays short enough to renew the lease


class Backlog:
    """A queue with one writer and one reader, who takes what there is at once."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_entries: int = MOST_ENTRIES) -> None:
        self._most_bytes, self._most_entries = most_bytes, most_entries
        self._lines: list[Line] = []
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, line: Line) -> bool:
        """Adds a line, waiting for room; False if the backlog is closed: nobody will read it."""
        with self._changed:
            # Training waits here when Postgres or the disk is slower for long: nothing is dropped,
            # since a series with a hole could never be filled again.
            self._changed.wait_for(lambda: self._closed or self._has_room(line))
            # Asked under the lock: `close` comes before this, and the line is refused, or after,
            # and the line is among those that nobody reads.
            if self._closed:
                return False
            self._lines.append(line)
            self._bytes += line.entry.size
            self._changed.notify_all()
            return True

    def take(self, seconds: float) -> Sequence[Line]:
        """What waits, as soon as something does; nothing after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._lines), timeout=seconds)
            # Taken out for good: what is taken is tried again and again by the flush itself, and
            # put in front of nothing. Lines of a run keep their order, which the chain of news
            # relies on.
            taken, self._lines = self._lines[:AT_ONCE], self._lines[AT_ONCE:]
            self._bytes -= sum(line.entry.size for line in taken)
            self._changed.notify_all()
            return taken

    def rest(self, until: float) -> None:
        """Waits until that moment of the monotonic clock, unless what waits cannot wait so long."""
        with self._changed:
            self._changed.wait_for(self._presses, timeout=max(0.0, until - monotonic()))

    def close(self) -> None:
        """Takes no more entries; who waits to put one is turned away."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has_room(self, line: Line) -> bool:
        fits = self._bytes + line.entry.size <= self._most_bytes
        # An empty backlog takes whatever comes: a line larger than the limit would wait for ever.
        return not self._lines or (fits and len(self._lines) < self._most_entries)

    def _presses(self) -> bool:
        if not self._lines:
            return False
        is_full = 2 * self._bytes > self._most_bytes or len(self._lines) >= AT_ONCE
        return is_full or self._lines[-1].entry.ending is not None
