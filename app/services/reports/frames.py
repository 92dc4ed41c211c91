"""The attention of a run, small enough for a file: some frames, a byte a share."""

import sys
from array import array
from base64 import b64encode
from math import isnan
from typing import Any

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Run
from app.schemas.config import RunConfig
from app.services.series.frames import evenly

MOST_BYTES = 3_000_000  # of shares, over all frames
MOST_FRAMES = 200


def report_frames(session: Session, run: Run) -> dict[str, Any] | None:
    """Frames spread evenly over the run, the first and the last among them; None: there are none.

    `shares`: of every frame base64 of [layer, head, probe, query, key], 255 for 1.
    """
    places, probe = series.frame_sequences(session, run.id), series.probe_of(session, run.id)
    first = series.frame_at(session, run.id, places[0]) if places else None
    if first is None or probe is None:
        return None
    most = max(1, min(MOST_FRAMES, MOST_BYTES // (len(first.patterns) // 4)))
    chosen = evenly(places, most)
    config = RunConfig.model_validate(run.config)
    return {
        "layers": config.model.layers,
        "heads": config.model.heads,
        "tokens": config.task.tokens,
        "of": len(places),
        "places": chosen,
        "probe": probe.sequences,
        "shares": [_bytes(one.patterns) for one in series.frames_at(session, run.id, chosen)],
    }


def _bytes(patterns: bytes) -> str:
    """Not a number is 0, as nothing is shown of it."""
    shares = array("f", patterns)
    if sys.byteorder == "big":
        shares.byteswap()
    kept = (0.0 if isnan(one) else min(max(one, 0.0), 1.0) for one in shares)
    return b64encode(bytes(round(255 * one) for one in kept)).decode()
