"""Runs that are too large for where they would be trained: refused before anything is queued.

By an estimate that knows of no other runs: the bounds are wide, and everything of the paper is far
smaller. Of checkpoints those count that retention lets stay while a run trains.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.db import workers
from app.errors import Invalid
from app.schemas.config import RunConfig
from app.schemas.retention import MOST_MEANWHILE
from app.schemas.words import grouped
from app.services.costs.estimates import checkpoint_bytes, frame_bytes, reports
from app.services.costs.memory import bytes_needed

MOST_MEASUREMENTS = 200_000  # of a run: charts and tables of more are read by nobody
MOST_FRAMES_BYTES = 20_000_000_000  # in the database
MOST_CHECKPOINTS_BYTES = 50_000_000_000  # in the store, at once
MOST_MEMORY = 1_000_000_000_000  # where no worker has been heard of
GIGABYTE = 1e9


class Excess(NamedTuple):
    """What is too large, and the setting that makes it so: a pointer into the config."""

    said: str
    at: str


def check_size(
    session: Session, config: RunConfig, *, since: int = 0, at: str = "/config", whole: bool = False
) -> None:
    """Raises `Invalid` for a run (of a fork: since where it starts) that is too large. `at`: where
    the request has its config; `whole`: it has it in no part that could be pointed at."""
    excess = excess_of(config, since, workers.largest(session))
    if excess is not None:
        raise Invalid(excess.said, loc=at if whole else f"{at}{excess.at}")


def excess_of(config: RunConfig, since: int, known: workers.Largest) -> Excess | None:
    """The first thing that is too large, if anything is."""
    return _measured(config, since) or _kept(config, since, known) or _alive(config, known)


def together(configs: Sequence[RunConfig], known: workers.Largest) -> str:
    """Why so many runs are too large; empty if they are not."""
    saved = sum(_saved(config, 0) for config in configs)
    most = known.disk_free or len(configs) * MOST_CHECKPOINTS_BYTES
    if saved <= most:
        return ""
    return f"{_room('checkpoints', saved, most, 'there is room for')}; save them less often."


def _measured(config: RunConfig, since: int) -> Excess | None:
    every = config.recording.evaluate_every
    count = reports(config, every, since)
    if count <= MOST_MEASUREMENTS:
        return None
    needed = -(-config.training.total_sequences // MOST_MEASUREMENTS)
    return Excess(
        f"It would be measured {grouped(count)} times, and {grouped(MOST_MEASUREMENTS)} times at "
        f"most are kept of a run; evaluate every {grouped(needed)} sequences or more.",
        "/recording/evaluate_every",
    )


def _kept(config: RunConfig, since: int, known: workers.Largest) -> Excess | None:
    recording = config.recording
    frames = reports(config, recording.frame_every, since) * frame_bytes(config)
    if frames > MOST_FRAMES_BYTES:
        said = _room("attention frames", frames, MOST_FRAMES_BYTES, "a run may write")
        return Excess(f"{said}; keep frames less often.", "/recording/frame_every")
    saved = _saved(config, since)
    most = min(MOST_CHECKPOINTS_BYTES, known.disk_free or MOST_CHECKPOINTS_BYTES)
    if saved > most:
        said = _room("checkpoints", saved, most, "there is room for")
        return Excess(f"{said}; save them less often.", "/recording/checkpoint_every")
    return None


def _saved(config: RunConfig, since: int) -> int:
    every = config.recording.checkpoint_every
    return min(reports(config, every, since), MOST_MEANWHILE) * checkpoint_bytes(config)


def _alive(config: RunConfig, known: workers.Largest) -> Excess | None:
    needed, most = bytes_needed(config), known.memory or MOST_MEMORY
    if needed <= most:
        return None
    where = "the largest worker has" if known.memory else "any worker is thought to have"
    said = _room("memory", needed, most, where, act="need")
    return Excess(f"{said}; make the model, the batches or the evaluators smaller.", "/model")


def _room(what: str, needed: float, most: float, where: str, act: str = "write") -> str:
    gigabytes = f"{needed / GIGABYTE:,.1f} GB of {what}"
    return f"It would {act} about {gigabytes}, and {where} {most / GIGABYTE:,.1f} GB"
