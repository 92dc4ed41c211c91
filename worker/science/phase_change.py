"""Phase change: where the plateau of the training loss lies and where the loss drops.

Every point is a crossing of a level given in units of the chance loss c = ln(labels in context),
the loss of a model that knows which labels are in the context and guesses between them (ln 2 in
the paper). A crossing is the first place where the loss of the `train` evaluator, joined by
straight lines between measurements, is at or below the level:

- plateau start: 1.2 c,
- onset, which is also the plateau's end: 0.95 c,
- midpoint: 0.5 c,
- end: 0.1 c.

The plateau is reported only if it lasted: it began after the first measurement and ended at least
twice as late as it began (a clamped model rushes through these levels). On the curve of
the paper's Fig. 3a this gives a plateau from 43k to 169k, the midpoint at 256k (its half of ln 2)
and the end near 416k. Nothing is smoothed; NaN and infinite losses are passed over.

It is reversed where the loss rises above the level of the onset again after the midpoint: as when a
clamp that drove it is let go. A drop after that is another phase change, which takes the place of
the first once it has a midpoint of its own. A fork has its own: what its parent crossed it crosses
only after its loss was above the onset's level again.

With a the last measurement before whose loss is above the level, and b the first at or below it,
a < place <= b is known; the straight line between them is assumed. `app.db.series.brackets` finds
both again; docs/adr/0029 says what else there is to know of a place.
"""

from collections.abc import Iterable
from math import isfinite

from app.schemas.measure import PhaseChange

PLATEAU_LEVEL = 1.2
ONSET_LEVEL = 0.95
MIDPOINT_LEVEL = 0.5
END_LEVEL = 0.1
PLATEAU_RATIO = 2.0  # a plateau ends at least so many times later than it began


class _Drop:
    """The crossings of one drop of the loss, from the place where it can begin."""

    def __init__(self, since: float = 0.0) -> None:
        self.since = since
        self.found: dict[str, float] = {}
        self.passed: set[str] = set()  # crossed by the parent of a fork

    def lacks(self, name: str) -> bool:
        return name not in self.found and name not in self.passed

    @property
    def has_lasted(self) -> bool:
        """Whether there was a plateau before it."""
        start, onset = self.found.get("start"), self.found.get("onset")
        if start is None or onset is None:
            return False
        return onset - self.since >= PLATEAU_RATIO * (start - self.since) > 0


class PhaseDetector:
    """Finds the points while measurements arrive, in order of `sequences`."""

    def __init__(self, chance: float) -> None:
        self._levels = {
            "start": PLATEAU_LEVEL * chance,
            "onset": ONSET_LEVEL * chance,
            "midpoint": MIDPOINT_LEVEL * chance,
            "end": END_LEVEL * chance,
        }
        self._drop = _Drop()  # the last that has a midpoint, or the first
        self._next: _Drop | None = None  # after a reversal
        self._reversal: float | None = None
        self._last: tuple[float, float] | None = None

    def add(self, sequences: int, loss: float) -> PhaseChange:
        """Takes one measurement of the training loss; returns what is known so far."""
        if isfinite(loss):
            self._rise(sequences, loss)
            self._fall(self._next or self._drop, sequences, loss)
            self._last = (sequences, loss)
        if self._next is not None and "midpoint" in self._next.found:
            self._drop, self._next, self._reversal = self._next, None, None
        return self.phase_change

    def fork(self) -> None:
        """From here on it is a fork: what was crossed is its parent's."""
        drop = self._next or self._drop
        self._drop, self._next, self._reversal = drop, None, None
        if "onset" in drop.found:
            drop.passed, drop.found = set(drop.found), {}

    def _rise(self, sequences: int, loss: float) -> None:
        """Whether a drop is undone: what comes next is another."""
        if self._next is not None or loss <= self._levels["onset"]:
            return
        if "midpoint" in self._drop.found:
            self._next, self._reversal = _Drop(sequences), float(sequences)
        elif "onset" in self._drop.passed:
            self._drop = _Drop(sequences)

    def _fall(self, drop: _Drop, sequences: int, loss: float) -> None:
        for name, level in self._levels.items():
            if drop.lacks(name) and loss <= level:
                drop.found[name] = _crossing(self._last, (sequences, loss), level)

    @property
    def phase_change(self) -> PhaseChange:
        """What is known so far."""
        drop = self._drop
        return PhaseChange(
            plateau_start=drop.found.get("start") if drop.has_lasted else None,
            plateau_end=drop.found.get("onset") if drop.has_lasted else None,
            onset=drop.found.get("onset"),
            midpoint=drop.found.get("midpoint"),
            end=drop.found.get("end"),
            reversal=self._reversal,
        )


def phase_change(curve: Iterable[tuple[int, float]], chance: float) -> PhaseChange:
    """The phase change of a whole curve of (sequences, loss)."""
    detector = PhaseDetector(chance)
    for sequences, loss in curve:
        detector.add(sequences, loss)
    return detector.phase_change


def _crossing(
    before: tuple[float, float] | None, after: tuple[float, float], level: float
) -> float:
    """Where the line between two measurements meets the level."""
    if before is None or before[1] <= level:
        return float(after[0])
    share = (before[1] - level) / (before[1] - after[1])
    return before[0] + share * (after[0] - before[0])
