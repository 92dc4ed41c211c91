"""Ctrl-C, SIGTERM and a closed terminal: noted, and acted on where it is safe to."""

import signal
import time
from types import FrameType

AGAIN_SECONDS = 1.0  # make and timeout pass on what we get as well: that is not impatience


class StopSignals:
    """How often somebody asked to stop."""

    def __init__(self) -> None:
        self._first_at: float | None = None
        self._again = False

    def install(self) -> None:
        """From here on a signal ends nothing by itself."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # In the main thread, which Python runs handlers in: between two steps of it, so no
            # lock is needed.
            signal.signal(number, self._note)

    def stopping(self) -> bool:
        """Somebody asked to stop."""
        return self._first_at is not None

    def hurry(self) -> bool:
        """Somebody asked again."""
        return self._again

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # Only noted: stopping from within a handler could meet a child that is just being started,
        # and leave it behind.
        if self._first_at is None:
            self._first_at = now
        elif now - self._first_at > AGAIN_SECONDS:
            self._again = True
