"""Where an attempt starts: at the run's resume point, at its fork, or at the beginning."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from sqlalchemy.orm import Session
from torch import Tensor

from app.db import lineage, recording
from app.db.models import Run
from app.db.recording import StoredFile
from app.schemas.state import Optimiser
from app.schemas.words import grouped
from worker.recording.store import (
    MEAN,
    SECOND,
    Arrays,
    DamagedFileError,
    Store,
    moment_of,
    weights_of,
)
from worker.science.parameters import Shape
from worker.science.training.loop import TrainerState


@dataclass(frozen=True, slots=True)
class ForkPoint:
    """The state of another run that this one starts from."""

    sequences: int
    file: StoredFile | None
    keeps_optimiser: bool
    elapsed_seconds: float  # of training until then, as far as it was measured


@dataclass(frozen=True, slots=True)
class Saved:
    """What an attempt may start from; neither: the initial weights."""

    resume: StoredFile | None
    fork: ForkPoint | None


def read_saved(session: Session, run: Run) -> Saved:
    """What there is to start from."""
    resume = recording.resume_point(session, run.id)
    if run.forked_at is None:
        return Saved(resume, None)
    measured = lineage.last_before(session, run.id, before=run.forked_at)
    fork = ForkPoint(
        run.forked_at,
        recording.checkpoint(session, run.id, run.forked_at),
        run.fork_optimiser == Optimiser.KEEP,
        measured.elapsed_seconds if measured else 0.0,
    )
    return Saved(resume, fork)


def load_start_state(
    store: Store, saved: Saved, shape: Shape
) -> tuple[TrainerState | None, tuple[str, ...]]:
    """The state to start from, if any; and what the user should know about it."""
    notices: tuple[str, ...] = ()
    if saved.resume is not None:
        try:
            # Only this attempt may replace the point, once it has measured: it is still there to
            # be read.
            return _resumed(store, saved.resume), ()
        except DamagedFileError as error:
            where = "its fork" if saved.fork else "the beginning"
            notices = (f"The run starts again from {where}: {error}",)
    return None if saved.fork is None else _forked(store, saved.fork, shape), notices


def _resumed(store: Store, point: StoredFile) -> TrainerState:
    arrays, notes = store.load(point)
    begun = int(notes.get("optimiser_from", 0))  # resume points of older versions do not say
    seconds = float(notes["elapsed_seconds"])
    return TrainerState(point.sequences, seconds, _tensors(arrays), begun)


def _forked(store: Store, fork: ForkPoint, shape: Shape) -> TrainerState:
    """The parent's state as this run's beginning. Raises `DamagedFileError` if it is not there."""
    place = grouped(fork.sequences)
    if fork.file is None:
        raise DamagedFileError(f"The weights of the fork at {place} sequences are not known.")
    try:
        arrays, notes = store.load(fork.file)
    except DamagedFileError as error:
        raise DamagedFileError(f"The fork at {place} sequences cannot start: {error}") from None
    parameters = shape.flatten(_tensors(weights_of(arrays)))
    if fork.keeps_optimiser:
        mean, second = (shape.flatten(_tensors(moment_of(arrays, one))) for one in (MEAN, SECOND))
        begun = int(notes["optimiser_from"])
    else:
        mean, second = torch.zeros_like(parameters), torch.zeros_like(parameters)
        begun = fork.sequences
    tensors = {"parameters": parameters, "mean": mean, "second": second}
    return TrainerState(fork.sequences, fork.elapsed_seconds, tensors, begun, is_fork=True)


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def checkpoint_arrays(weights: Mapping[str, Tensor], state: TrainerState, shape: Shape) -> Arrays:
    """Weights and optimiser as a checkpoint holds them, all by name."""
    named = dict(weights)
    for prefix, moment in ((MEAN, "mean"), (SECOND, "second")):
        parts = shape.unflatten(state.tensors[moment])
        named |= {prefix + name: part for name, part in parts.items()}
    return {name: part.numpy() for name, part in named.items()}
