"""The training loss of a run as a small line: the path of an SVG, from thinned points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from app.db.models import Run
from app.db.runs_list.numbers import LossPoint, small_losses
from app.services.wording import nats

POINTS = 48
WIDTH, HEIGHT = 96, 26
_MARGIN = 2  # pixels, so that no half of the line is cut off
ENDS = (_MARGIN, WIDTH - _MARGIN)


@dataclass(frozen=True)
class Sparkline:
    """A curve in small: how far along the row it goes is how far its run is."""

    path: str
    words: str  # the same for who does not see it


def sparklines(session: Session, runs: Sequence[Run]) -> dict[str, Sparkline]:
    """The curves of those of the runs that were measured, by id; one statement for all."""
    lengths = {run.id: run.total_sequences for run in runs}
    points = small_losses(session, list(lengths), POINTS)
    return {
        run_id: sparkline(list(own), lengths[run_id])
        for run_id, own in groupby(points, lambda point: point.run_id)
    }


def sparkline(points: Sequence[LossPoint], length: int) -> Sparkline:
    """The curve through points in order; what is not finite is a gap."""
    losses = [point.loss for point in points if math.isfinite(point.loss)]
    if not losses:
        return Sparkline("", "loss not finite")
    most = max(max(losses), 1e-9)
    placed = [
        (point.sequences, HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * point.loss / most)
        for point in points
    ]
    return Sparkline(
        small_line(placed, length), f"loss from {nats(losses[0])} to {nats(losses[-1])}"
    )


def small_line(
    points: Sequence[tuple[int, float]], length: int, ends: tuple[float, float] = ENDS
) -> str:
    """The path through (sequences, pixels from the top); what is not finite is a gap.

    `ends`: pixels from the left of the first sequence, and of those that are `length`.
    """
    parts, pen = [], "M"
    for sequences, y in points:
        if not math.isfinite(y):
            pen = "M"
            continue
        x = ends[0] + (ends[1] - ends[0]) * sequences / length
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)
