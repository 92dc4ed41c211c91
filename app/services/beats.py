"""When the background work of a web process was last done: what has died, or hangs, is silent."""

from collections.abc import Callable
from time import monotonic

Beat = Callable[[], None]


def nobody_hears() -> None:
    """A beat of work that is done outside of a web process, in tests for instance."""


class Beats:
    """The last beat of each piece of work, by name, and after how many seconds it is late.

    Each name is written by one thread and read by requests; a dictionary needs no lock for that.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._within: dict[str, float] = {}

    def of(self, name: str, *, within_seconds: float) -> Beat:
        """What the work called `name` is to call each time that it was done; from now on it has to,
        within so many seconds."""
        self._within[name] = within_seconds

        def beat() -> None:
            self._last[name] = monotonic()

        beat()
        return beat

    def ages(self) -> dict[str, float]:
        """Seconds since the last beat of each."""
        now = monotonic()
        return {name: now - last for name, last in self._last.items()}

    def late(self) -> dict[str, float]:
        """Those that should have beaten by now, with the seconds since they last did."""
        return {name: age for name, age in self.ages().items() if age > self._within[name]}
