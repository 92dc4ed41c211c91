"""What an attempt writes about its run. The caller holds the row (`claims.hold`) meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.models import Checkpoint, Frame, Measurement, Probe, ResumePoint
from app.schemas import measure
from app.schemas.measure import EVALUATORS, Evaluator, ProbeSequence

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the checkpoint store: the weights (and more) after `sequences`."""

    sequences: int
    url: str
    size: int
    sha256: str
    has_optimiser: bool = False


def add_measurements(
    session: Session,
    run_id: str,
    attempt: int,
    measurements: Sequence[tuple[measure.Measurement, datetime]],
) -> None:
    """Adds measurements with the moment at which each was computed; replaces those repeated."""
    rows = [
        {"run_id": run_id, "attempt": attempt, "computed_at": at, **dict(measurement)}
        for measurement, at in measurements
    ]
    _upsert(session, Measurement, rows)


def add_frames(session: Session, run_id: str, attempt: int, frames: Mapping[int, bytes]) -> None:
    """Adds attention frames by `sequences`; replaces those repeated."""
    rows = [
        {"run_id": run_id, "attempt": attempt, "sequences": sequences, "patterns": patterns}
        for sequences, patterns in frames.items()
    ]
    _upsert(session, Frame, rows)


def add_checkpoints(
    session: Session, run_id: str, attempt: int, files: Sequence[StoredFile]
) -> None:
    """Adds saved weights; replaces those repeated."""
    rows = [
        {**_file_row(run_id, attempt, file), "has_optimiser": file.has_optimiser} for file in files
    ]
    _upsert(session, Checkpoint, rows)


def set_resume_point(session: Session, run_id: str, attempt: int, file: StoredFile) -> str | None:
    """Replaces the resume point; the URL of the one before, which nothing needs any more."""
    before = session.scalars(select(ResumePoint.url).where(ResumePoint.run_id == run_id))
    old = before.one_or_none()
    _upsert(session, ResumePoint, [_file_row(run_id, attempt, file)])
    return None if old == file.url else old


def set_probe(session: Session, run_id: str, sequences: Sequence[ProbeSequence]) -> None:
    """Says which sequences the frames show."""
    row = {"run_id": run_id, "sequences": [one.model_dump(mode="json") for one in sequences]}
    _upsert(session, Probe, [row])


def resume_point(session: Session, run_id: str) -> StoredFile | None:
    """Where the run can be taken up again, if anywhere."""
    point = session.get(ResumePoint, run_id)
    if point is None:
        return None
    return StoredFile(point.sequences, point.url, point.size, point.sha256, has_optimiser=True)


def checkpoint(session: Session, run_id: str, sequences: int) -> StoredFile | None:
    """The weights that the run saved, or shares with its parent, at exactly this place."""
    found = session.get(Checkpoint, (run_id, sequences))
    if found is None:
        return None
    return StoredFile(
        found.sequences, found.url, found.size, found.sha256, has_optimiser=found.has_optimiser
    )


def train_losses(session: Session, run_id: str, *, before: int) -> Sequence[tuple[int, float]]:
    """The training evaluator's loss below `before`, by sequences."""
    loss = Measurement.loss[_TRAIN + 1]  # arrays count from 1 in SQL
    statement = (
        select(Measurement.sequences, loss)
        .where(Measurement.run_id == run_id, Measurement.sequences < before)
        .order_by(Measurement.sequences)
    )
    return [(sequences, loss) for sequences, loss in session.execute(statement)]


def last_measured(session: Session, run_id: str, *, before: int) -> int | None:
    """The last measurement's place below `before`."""
    statement = select(func.max(Measurement.sequences)).where(
        Measurement.run_id == run_id, Measurement.sequences < before
    )
    return session.scalars(statement).one()


def _file_row(run_id: str, attempt: int, file: StoredFile) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "attempt": attempt,
        "sequences": file.sequences,
        "url": file.url,
        "size": file.size,
        "sha256": file.sha256,
    }


def _upsert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Inserts the rows, or puts them in the place of those with the same key."""
    if not rows:
        return
    table = model.__table__
    keys = [column.name for column in table.primary_key]
    statement = insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    session.connection().execute(upsert, rows)


def first_computed_at(session: Session, run_id: str) -> datetime:
    """When the first numbers of a run left its model."""
    query = select(func.min(Measurement.computed_at)).where(Measurement.run_id == run_id)
    return session.scalars(query).one()
