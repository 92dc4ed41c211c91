"""Weights that trainers saved: which there are, and their files."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Checkpoint, Run
from app.errors import NotFound
from app.schemas.api.series import CheckpointList, CheckpointRead
from app.services.series.files import FileGoneError, file_pieces


def read_checkpoints(session: Session, run: Run, base_path: str) -> CheckpointList:
    """A run's checkpoints; each is downloaded below `base_path`."""
    return CheckpointList(
        run_id=run.id,
        checkpoints=[
            CheckpointRead(
                sequences=one.sequences,
                size=one.size,
                sha256=one.sha256,
                has_optimiser=one.has_optimiser,
                is_pinned=one.is_pinned,
                created_at=one.created_at,
                url=f"{base_path}/{one.sequences}/file",
            )
            for one in series.checkpoints_of(session, run.id)
        ],
    )


def checkpoint_or_error(session: Session, run: Run, sequences: int) -> Checkpoint:
    """A checkpoint of a run, or `NotFound`."""
    checkpoint = series.checkpoint_at(session, run.id, sequences)
    if checkpoint is None:
        raise NotFound(f"Run {run.id} has no checkpoint at {sequences} sequences.")
    return checkpoint


def checkpoint_pieces(
    checkpoint: Checkpoint, start: int = 0, size: int | None = None
) -> Iterator[bytes]:
    """The file of a checkpoint or a part of it, from whichever store it is in, or `NotFound` with
    the reason."""
    # It may still go while it is sent: a deletion removes files after its commit, without a lock
    # that readers know.
    try:
        return file_pieces(checkpoint.url, start, size)
    except FileGoneError as error:
        place = checkpoint.sequences
        raise NotFound(
            f"The file of the checkpoint at {place} sequences cannot be had: {error}."
        ) from None


def pin(session: Session, run: Run, sequences: int, *, is_pinned: bool) -> None:
    """Has a checkpoint stay when others go, or not."""
    checkpoint_or_error(session, run, sequences).is_pinned = is_pinned
