"""What keeps a worker from training, as far as it knows."""

from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


@dataclass
class Trouble:
    """Why trainers cannot be started, since when in tries; nothing while they can.

    Written by the thread that supervises, read by the one that beats.
    """

    said: str = ""
    tries: int = 0

    def meet(self, reason: str) -> None:
        """Another trainer could not be started."""
        self.said = reason
        self.tries += 1

    def clear(self) -> None:
        """One was."""
        self.said = ""
        self.tries = 0

    @property
    def pause(self) -> float:
        """Seconds until the next try: 1, 2, 4 and so on, up to a minute."""
        return min(FIRST_PAUSE * 2.0 ** (self.tries - 1), LONGEST_PAUSE) if self.tries else 0.0
