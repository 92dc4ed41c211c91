"""Attention frames: from stored float32 to nested lists, without numpy."""

import sys
from array import array
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Frame, Run
from app.errors import NotFound
from app.schemas.api import FrameRead, ProbeRead
from app.schemas.config import RunConfig
from app.services.measurements import finite

DIGITS = 5  # a pattern's number is a share; more digits are noise of float32 and bytes on the wire


def frame_at(session: Session, run: Run, sequences: int) -> Frame:
    """The last frame at or before a place, or `NotFound`."""
    frame = series.frame_at(session, run.id, sequences)
    if frame is None:
        raise NotFound(f"Run {run.id} has no frame at or before {sequences} sequences.")
    return frame


def read_frame(run: Run, frame: Frame) -> FrameRead:
    """The frame as `patterns[layer][head][probe][query][key]`."""
    config = RunConfig.model_validate(run.config)
    numbers = array("f")
    numbers.frombytes(frame.patterns)
    if sys.byteorder == "big":
        numbers.byteswap()
    tokens = config.task.tokens
    heads = config.model.layers * config.model.heads
    probes = len(numbers) // (heads * tokens * tokens)
    shape = (config.model.layers, config.model.heads, probes, tokens, tokens)
    shares = [None if finite(number) is None else round(number, DIGITS) for number in numbers]
    return FrameRead(run_id=run.id, sequences=frame.sequences, patterns=_nested(shares, shape))


def read_probe(session: Session, run: Run) -> ProbeRead:
    """The sequences that the frames show, or `NotFound` while there are none."""
    probe = series.probe_of(session, run.id)
    if probe is None:
        raise NotFound(f"Run {run.id} has no probe yet; its trainer writes it when it starts.")
    return ProbeRead.model_validate({"run_id": run.id, "sequences": probe.sequences})


def _nested(numbers: Sequence[float | None], shape: Sequence[int]) -> list[Any]:
    """Lists in lists of this shape, from the flat form."""
    nested: list[Any] = list(numbers)
    for size in reversed(shape[1:]):
        nested = [nested[start : start + size] for start in range(0, len(nested), size)]
    return nested
