"""Attention frames and composition, from stored float32 to nested lists, without numpy."""

import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from math import prod
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import lineage, series
from app.db.models import Frame, Run
from app.errors import NotFound
from app.schemas.api.series import CompositionRead, FrameRead, ProbeRead
from app.schemas.config import ModelConfig, RunConfig
from app.schemas.measure import COMPOSITION_KINDS, CompositionKind, chance_of_composition
from app.schemas.series import HEADS
from app.schemas.words import head_name
from app.services.series.measurements import finite

DIGITS = 5  # of shares and scores; more are noise of float32 and bytes on the wire
MOST_PEERS = 60


def evenly(places: Sequence[int], most: int) -> list[int]:
    """At most so many of them, the first and the last among them; of one only the last."""
    if len(places) <= most:
        return list(places)
    if most == 1:
        return [places[-1]]
    return [places[round(n * (len(places) - 1) / (most - 1))] for n in range(most)]


def frame_at(session: Session, run: Run, sequences: int) -> Frame:
    """The last frame at or before a place, or `NotFound`."""
    frame = series.frame_at(session, run.id, sequences)
    if frame is None:
        raise NotFound(f"Run {run.id} has no frame at or before {sequences} sequences.")
    return frame


def read_frame(session: Session, run: Run, frame: Frame) -> FrameRead:
    """The frame with the strengths that were measured with it."""
    config = RunConfig.model_validate(run.config)
    model, tokens = config.model, config.task.tokens
    shares = _numbers(frame.patterns)
    probes = len(shares) // (model.layers * model.heads * tokens * tokens)
    # Relies on the frame and its measurement being committed together, in one flush.
    measured = series.measured_with(session, frame)
    return FrameRead(
        run_id=run.id,
        sequences=frame.sequences,
        patterns=_nested(shares, (model.layers, model.heads, probes, tokens, tokens)),
        composition=_composition(frame, model),
        loss=[finite(loss) for loss in measured.loss],
        **{measure.id: _finite(getattr(measured, measure.id)) for measure in HEADS},
    )


class Strongest(NamedTuple):
    """The largest of some numbers, and whose it is."""

    number: float
    whose: str


def grown_key_composition(
    session: Session, run_id: str, model: ModelConfig, places: Sequence[int]
) -> list[tuple[int, Strongest]]:
    """How much that of the last layer with those below has grown most since the first of these
    frames, and of which two heads; of frames that have scores."""
    found: list[tuple[int, Strongest]] = []
    first: Sequence[float] = ()
    for sequences, stored in series.compositions_at(session, run_id, places):
        scores = last_layers_keys(stored, model)
        first = first or scores
        grown = [score - before for score, before in zip(scores, first, strict=True)]
        known = [(gain, index) for index, gain in enumerate(grown) if math.isfinite(gain)]
        if known:
            gain, index = max(known)
            found.append((sequences, Strongest(gain, _pair(index, model))))
    return found


def last_layers_keys(stored: bytes, model: ModelConfig) -> Sequence[float]:
    """Key composition of the last layer with those below, from stored scores of a model of at least
    two layers. Flat: head of the last layer, earlier layer, its head."""
    numbers = _floats(stored)
    kind = len(numbers) // len(COMPOSITION_KINDS)
    end = (COMPOSITION_KINDS.index(CompositionKind.KEY) + 1) * kind
    return numbers[end - (model.layers - 1) * model.heads**2 : end]


def _pair(index: int, model: ModelConfig) -> str:
    earlier, head = divmod(index % ((model.layers - 1) * model.heads), model.heads)
    later = index // ((model.layers - 1) * model.heads)
    return f"{head_name(earlier, head)} to {head_name(model.layers - 1, later).lower()}"


def _finite(strengths: Sequence[Sequence[float]]) -> list[list[float | None]]:
    return [[finite(strength) for strength in layer] for layer in strengths]


def _numbers(stored: bytes) -> list[float | None]:
    return [None if finite(number) is None else round(number, DIGITS) for number in _floats(stored)]


def _floats(stored: bytes) -> "array[float]":
    numbers = array("f")
    numbers.frombytes(stored)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _composition(frame: Frame, model: ModelConfig) -> CompositionRead | None:
    """Scores by kind, later layer, its head, earlier layer, its head."""
    if frame.composition is None:
        return None
    scores = iter(_numbers(frame.composition))
    by_kind = {kind.value: _scores(scores, model) for kind in COMPOSITION_KINDS}
    return CompositionRead(chance=chance_of_composition(model.width), **by_kind)


def _scores(numbers: Iterator[float | None], model: ModelConfig) -> list[Any]:
    """The next scores of one kind; the first layer's heads have nobody below them."""
    nested: list[Any] = [[[] for _ in range(model.heads)]]
    for layer in range(1, model.layers):
        shape = (model.heads, layer, model.heads)
        nested.append(_nested(list(islice(numbers, prod(shape))), shape))
    return nested


def read_probe(session: Session, run: Run) -> ProbeRead:
    """The sequences that the frames show, or `NotFound` while there are none."""
    probe = series.probe_of(session, run.id)
    if probe is None:
        raise NotFound(f"Run {run.id} has no probe yet; its trainer writes it when it starts.")
    return ProbeRead.model_validate({"run_id": run.id, "sequences": probe.sequences})


def peers(session: Session, run: Run) -> list[dict[str, str]]:
    """The relatives of a run whose attention is as large as its own, to be subtracted from it."""
    own = _size(run)
    found = lineage.relatives_of(session, run, limit=MOST_PEERS)
    return [{"id": one.id, "name": one.name} for one in found if _size(one) == own]


def _size(run: Run) -> tuple[int, int, int]:
    config = RunConfig.model_validate(run.config)
    return config.model.layers, config.model.heads, config.task.tokens


def _nested(numbers: Sequence[float | None], shape: Sequence[int]) -> list[Any]:
    """Lists in lists of this shape, from the flat form."""
    nested: list[Any] = list(numbers)
    for size in reversed(shape[1:]):
        nested = [nested[start : start + size] for start in range(0, len(nested), size)]
    return nested
