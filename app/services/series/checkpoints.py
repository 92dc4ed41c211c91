"""Files that trainers saved, as far as this process can reach them: those of a local store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Run
from app.errors import NotFound
from app.schemas.api.series import CheckpointList, CheckpointRead


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
                created_at=one.created_at,
                url=f"{base_path}/{one.sequences}/file",
            )
            for one in series.checkpoints_of(session, run.id)
        ],
    )


def checkpoint_file(session: Session, run: Run, sequences: int) -> Path:
    """The file of a checkpoint, or `NotFound` with the reason."""
    checkpoint = series.checkpoint_at(session, run.id, sequences)
    if checkpoint is None:
        raise NotFound(f"Run {run.id} has no checkpoint at {sequences} sequences.")
    path = local_path(checkpoint.url)
    if path is None:
        raise NotFound(f"The checkpoint is kept outside this server, at {checkpoint.url}.")
    # It may still go before it is sent: a deletion removes files after its commit, without a lock
    # that readers know.
    if not path.is_file():
        raise NotFound(f"The file of the checkpoint at {sequences} sequences is gone.")
    return path


def local_path(url: str) -> Path | None:
    """The path of a `file://` URL; None for stores elsewhere."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
