"""Rows of what an archive says, checked against the model that it is of."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from app.db.models import Analysis, Run, RunEvent
from app.errors import AppError, Invalid
from app.schemas.api.archives import (
    ArchivedAnalysis,
    ArchivedFile,
    ArchivedFrame,
    ArchivedMeasurement,
    ArchivedRun,
)
from app.schemas.cohorts import cohort_key
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, METRICS
from app.schemas.state import TERMINAL, RunState
from app.schemas.words import grouped
from app.services.series.names import STRENGTHS

_FLOAT = 4  # bytes


def file_name(file: ArchivedFile) -> str:
    """As trainers call it, see `worker.recording.store`."""
    return f"{file.sequences:011d}-{file.attempt}"


def run_row(run_id: str, whole: ArchivedRun) -> Run:
    """As it was; a run that had not ended is set aside, for no worker is to take it unasked."""
    said = _plain(whole.run)
    config, state = whole.run.read_config, whole.run.state
    said |= {
        "id": run_id,
        "state": (state if state in TERMINAL else RunState.PAUSED).value,
        "cohort_key": cohort_key(config),
    }
    return Run(**said)


def _plain(model: BaseModel) -> dict[str, Any]:
    """Its fields as columns have them."""
    return {name: one.value if isinstance(one, Enum) else one for name, one in model}


def set_aside(run_id: str, whole: ArchivedRun) -> RunEvent:
    """What its timeline says of a run that had not ended."""
    point = whole.resume_point
    where = f"from {grouped(point.sequences)} sequences" if point else "from its beginning"
    message = f"Imported while it was {whole.run.state}. Resumed, it goes on {where}."
    at = whole.run.sequences
    return RunEvent(run_id=run_id, kind=RunState.PAUSED.value, message=message, sequences=at)


def analysis_row(analysis_id: str, run_id: str, one: ArchivedAnalysis) -> Analysis:
    """An analysis of a run as it is called here."""
    request = {**one.request, "run": run_id}
    return Analysis(**{**dict(one), "id": analysis_id, "request": request}, run_id=run_id)


def measurement_row(one: ArchivedMeasurement, config: RunConfig, was: str) -> dict[str, Any]:
    """The row of a measurement of this model."""
    layers, heads = config.model.layers, config.model.heads
    row = dict(one)
    is_whole = all(len(row[metric]) == len(EVALUATORS) for metric in METRICS) and all(
        len(row[name]) == layers and all(len(layer) == heads for layer in row[name])
        for name in STRENGTHS
    )
    if not is_whole:
        raise Invalid(
            f"Run {was} of the archive has a measurement of another shape than its model."
        )
    return row


def frame_row(one: ArchivedFrame, config: RunConfig, was: str) -> dict[str, Any]:
    """The row of a frame of this model."""
    model, tokens = config.model, config.task.tokens
    try:
        patterns = b64decode(one.patterns, validate=True)
        composition = one.composition and b64decode(one.composition, validate=True)
    except binascii.Error:
        raise Invalid(f"Run {was} of the archive has a frame that is no base64.") from None
    pairs = 3 * model.heads**2 * (model.layers * (model.layers - 1) // 2)
    is_whole = patterns and len(patterns) % (_FLOAT * model.layers * model.heads * tokens**2) == 0
    if not is_whole or (composition is not None and len(composition) != _FLOAT * pairs):
        raise Invalid(f"Run {was} of the archive has a frame of another shape than its model.")
    said = {"sequences": one.sequences, "attempt": one.attempt}
    return {**said, "patterns": patterns, "composition": composition}


def in_order(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same, each past the one before."""
    last = -1
    for row in found:
        if row["sequences"] <= last:
            raise Invalid(f"The archive has rows out of order, at {row['sequences']} sequences.")
        last = row["sequences"]
        yield row


def batches(found: Iterator[Any], size: int) -> Iterator[Sequence[Any]]:
    """So many at a time, until there are no more."""
    return iter(lambda: list(islice(found, size)), [])


def checked(name: str, read: Callable[[], object]) -> None:
    """Raises `Invalid` for what no page could show: a request, or axes, that are none."""
    try:
        read()
    except (ValidationError, AppError) as error:
        raise Invalid(f"{name} of the archive asks for what cannot be: {error}"[:400]) from None
