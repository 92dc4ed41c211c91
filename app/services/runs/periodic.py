"""What a web process does every so often, in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from app.services.beats import Beat, nobody_hears

log = logging.getLogger(__name__)


class Periodic:
    """Acts every so many seconds until it is stopped, whatever goes wrong in between."""

    def __init__(
        self,
        name: str,
        act: Callable[[], None],
        *,
        every_seconds: float,
        beat: Beat = nobody_hears,
    ) -> None:
        self._name, self._act, self._every_seconds = name, act, every_seconds
        self._beat = beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when what is under way, if anything, has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_seconds):
            try:
                self._act()
                self._beat()  # not after a failure: work that always fails is not done
            except SQLAlchemyError as error:
                log.warning("the %s was not heard: %s", self._name, error)
            except Exception:  # a bug; the next time may find other things, and be sound
                log.exception("the %s failed, and goes on", self._name)
