"""What trainers write about their runs. The caller holds the rows (`app.db.claims`) meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Update, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from app.db.base import Base
from app.db.claims import Claim
from app.db.models import Checkpoint, Frame, MeasurementRow, Probe, ResumePoint, Run
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


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A frame as its row has it, see `models.Frame`."""

    patterns: bytes
    composition: bytes | None = None


Measured = tuple[measure.Measurement, datetime]  # and when it was computed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, as its row says it."""

    run_id: str
    sequences: int
    train_loss: float | None
    sequences_per_second: float | None
    fruitless_attempts: int
    phase: measure.PhaseChange


def add_measurements(session: Session, measured: Mapping[Claim, Sequence[Measured]]) -> None:
    """Adds measurements of several runs in one statement; replaces those repeated."""
    # The last of each place: what is shown before a run trains is handed over again when it does,
    # and a statement may not write a row twice.
    rows = {
        (claim, measurement.sequences): {
            **_key(claim),
            "computed_at": at,
            **dict(measurement),
        }
        for claim, measurements in measured.items()
        for measurement, at in measurements
    }
    # Replacing is what makes a flush repeatable: after a commit whose answer was lost it comes
    # again, and a resumed attempt measures once more what lies past its resume point.
    _upsert(session, MeasurementRow, list(rows.values()))


def add_frames(session: Session, frames: Mapping[Claim, Mapping[int, StoredFrame]]) -> None:
    """Adds attention frames of several runs by `sequences`; replaces those repeated."""
    rows = [
        {
            **_key(claim),
            "sequences": sequences,
            "patterns": frame.patterns,
            "composition": frame.composition,
        }
        for claim, by_place in frames.items()
        for sequences, frame in by_place.items()
    ]
    _upsert(session, Frame, rows)


def add_checkpoints(session: Session, files: Mapping[Claim, Sequence[StoredFile]]) -> set[str]:
    """Adds saved weights of several runs, or replaces those repeated; the URLs not needed then.

    A resumed run saves the same bytes once more: the file before stays, as forks may share it.
    """
    before, rows, unneeded = _saved_before(session, files), [], set[str]()
    for claim, saved in files.items():
        for file in saved:
            url, sha256 = before.get((claim.run_id, file.sequences), (file.url, ""))
            if url != file.url and sha256 == file.sha256:
                unneeded.add(file.url)
                continue
            unneeded |= {url} - {file.url}
            rows.append({**_file_row(claim, file), "has_optimiser": file.has_optimiser})
    _upsert(session, Checkpoint, rows)
    return unneeded


def _saved_before(
    session: Session, files: Mapping[Claim, Sequence[StoredFile]]
) -> dict[tuple[str, int], tuple[str, str]]:
    """URL and SHA-256 of what runs have saved at the same places, by run and place."""
    places = [(claim.run_id, file.sequences) for claim, saved in files.items() for file in saved]
    if not places:
        return {}
    columns = (Checkpoint.run_id, Checkpoint.sequences, Checkpoint.url, Checkpoint.sha256)
    same = tuple_(Checkpoint.run_id, Checkpoint.sequences).in_(places)
    found = session.execute(select(*columns).where(same))
    return {(run_id, place): (url, sha256) for run_id, place, url, sha256 in found}


def set_resume_points(session: Session, files: Mapping[Claim, StoredFile]) -> set[str]:
    """Replaces resume points; the URLs of those before, which nothing needs any more."""
    if not files:
        return set()
    # Read before it is replaced, and by the only one who may: the caller holds the runs' rows. The
    # files go after the commit; before it, a rollback would leave rows that name no file.
    ids = [claim.run_id for claim in files]
    before = session.scalars(select(ResumePoint.url).where(ResumePoint.run_id.in_(ids))).all()
    _upsert(session, ResumePoint, [_file_row(claim, file) for claim, file in files.items()])
    return set(before) - {file.url for file in files.values()}


def set_progress(session: Session, progress: Sequence[Progress]) -> None:
    """Brings the rows of several runs up to date, in one statement."""
    if not progress:
        return
    rows = [{**_progress(one), **dict(one.phase)} for one in progress]
    columns = {f"{name}_array": [row[name] for row in rows] for name in rows[0]}
    # In no order of its own: the rows are locked by `hold_all` already. It goes past the session,
    # so whoever has one of these runs as an object must read it again.
    session.connection().execute(_update_from_arrays(tuple(rows[0])), columns)


@cache
def _update_from_arrays(names: tuple[str, ...]) -> Update:
    """Updates runs from one array a column, `id` among them; made once, since making it costs more
    than running it."""
    runs = Run.__table__
    arrays = (bindparam(f"{name}_array", type_=ARRAY(runs.c[name].type)) for name in names)
    new = func.unnest(*arrays).table_valued(*names, name="new").render_derived()
    changed = {name: new.c[name] for name in names if name != "id"}
    return update(Run).where(runs.c.id == new.c.id).values(changed)


def _progress(one: Progress) -> dict[str, Any]:
    return {
        "id": one.run_id,
        "sequences": one.sequences,
        "train_loss": one.train_loss,
        "sequences_per_second": one.sequences_per_second,
        "fruitless_attempts": one.fruitless_attempts,
    }


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
    loss = MeasurementRow.loss[_TRAIN + 1]  # arrays count from 1 in SQL
    statement = (
        select(MeasurementRow.sequences, loss)
        .where(MeasurementRow.run_id == run_id, MeasurementRow.sequences < before)
        .order_by(MeasurementRow.sequences)
    )
    return [(sequences, loss) for sequences, loss in session.execute(statement)]


def last_measured(session: Session, run_id: str, *, before: int) -> int | None:
    """The last measurement's place below `before`."""
    statement = select(func.max(MeasurementRow.sequences)).where(
        MeasurementRow.run_id == run_id, MeasurementRow.sequences < before
    )
    return session.scalars(statement).one()


def _key(claim: Claim) -> dict[str, Any]:
    return {"run_id": claim.run_id, "attempt": claim.attempt}


def _file_row(claim: Claim, file: StoredFile) -> dict[str, Any]:
    return {
        **_key(claim),
        "sequences": file.sequences,
        "url": file.url,
        "size": file.size,
        "sha256": file.sha256,
    }


def _upsert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Inserts the rows, or puts them in the place of those with the same key.

    What is returned is not needed: asking for it has SQLAlchemy send one statement for all rows.
    """
    if not rows:
        return
    session.connection().execute(_upsert_into(model, tuple(rows[0])), rows)


@cache
def _upsert_into(model: type[Base], names: tuple[str, ...]) -> ReturningInsert[Any]:
    keys = [column.name for column in model.__table__.primary_key]
    # Asks for no attempt, unlike the claims: that only the owner gets here is the caller's lock.
    statement = insert(model)
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return upsert.returning(model.__table__.c[keys[0]])


def first_computed_at(session: Session, run_id: str) -> datetime:
    """When the first numbers of a run left its model."""
    query = select(func.min(MeasurementRow.computed_at)).where(MeasurementRow.run_id == run_id)
    return session.scalars(query).one()
