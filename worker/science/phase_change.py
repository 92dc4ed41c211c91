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


class PhaseDetector:
    """Finds the points while measurements arrive, in order of `sequences`."""

    def __init__(self, chance: float) -> None:
        self._levels = {
            "start": PLATEAU_LEVEL * chance,
            "onset": ONSET_LEVEL * chance,
            "midpoint": MIDPOINT_LEVEL * chance,
            "end": END_LEVEL * chance,
        }
        self._found: dict[str, float] = {}
        self._last: tuple[float, float] | None = None

    def add(self, sequences: int, loss: float) -> PhaseChange:
        """Takes one measurement of the training loss; returns what is known so far."""
        if isfinite(loss):
            for name, level in self._levels.items():
                if name not in self._found and loss <= level:
                    self._found[name] = _crossing(self._last, (sequences, loss), level)
            self._last = (sequences, loss)
        return self.phase_change

    @property
    def phase_change(self) -> PhaseChange:
        """What is known so far."""
        start, onset = self._found.get("start"), self._found.get("onset")
        lasted = start is not None and onset is not None and onset >= PLATEAU_RATIO * start > 0
        return PhaseChange(
            plateau_start=start if lasted else None,
            plateau_end=onset if lasted else None,
            onset=onset,
            midpoint=self._found.get("midpoint"),
            end=self._found.get("end"),
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
