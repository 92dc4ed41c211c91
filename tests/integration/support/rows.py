"""Rows as trainers write them, for tests that need no trainer; and no rows at all."""

from array import array
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from app.db import recording
from app.db.base import Base
from app.db.claims import Claim
from app.db.engine import session_scope
from app.db.models import Run
from app.db.recording import StoredFile, StoredFrame
from app.schemas.api.events import FrameMessage, MeasurementMessage
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement, ProbeSequence, ProbeToken
from app.schemas.state import RunState
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import move, run_or_error
from app.services.runs.outbox import Outbox, publish, transaction
from worker.retry import retry_while_away

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
SMALL = RunConfig.model_validate({"model": {"heads": 2, "width": 16}})


def measurement(sequences: int, *, loss: float = 0.7, strength: float = 0.1) -> Measurement:
    """Every number tells its place: evaluators and heads differ in the second digit."""
    strengths = tuple(
        tuple(strength + 0.01 * (2 * layer + head) for head in range(2)) for layer in range(2)
    )
    return Measurement(
        sequences=sequences,
        elapsed_seconds=sequences / 1000,
        loss=tuple(loss + 0.01 * evaluator for evaluator in range(4)),
        accuracy=(0.5,) * 4,
        in_context_accuracy=(0.5,) * 4,
        correct_probability=(0.5,) * 4,
        context_probability=(0.9,) * 4,
        induction_strength=strengths,
        previous_token_strength=strengths,
    )


def computed_at(one: Measurement) -> datetime:
    return START + timedelta(seconds=one.elapsed_seconds)


def empty_all(engine: Engine, outbox: Outbox) -> None:
    """No row in any table, and nothing in the queue."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)

    def truncate() -> None:
        with engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))

    # A worker of the file may settle its last run at this moment: of two that wait for each other
    # Postgres ends one.
    retry_while_away(truncate)
    outbox.redis.flushall()


def new_run(engine: Engine, outbox: Outbox, config: RunConfig = SMALL, **said) -> str:
    with transaction(engine, outbox) as session:
        return create_run(session, config, **said).id


def moved(engine: Engine, outbox: Outbox, run_id: str, *targets: RunState) -> None:
    for target in targets:
        with transaction(engine, outbox) as session:
            move(session, run_or_error(session, run_id), target)


def change(engine: Engine, run_id: str, **values) -> None:
    with session_scope(engine) as session:
        run = session.get_one(Run, run_id)
        for name, value in values.items():
            setattr(run, name, value)


def add(engine: Engine, run_id: str, *measurements: Measurement) -> None:
    """Measurements that are committed, and of which nobody is told."""
    with session_scope(engine) as session:
        rows = [(one, computed_at(one)) for one in measurements]
        recording.add_measurements(session, {Claim(run_id, 1): rows})


def report(engine: Engine, outbox: Outbox, run_id: str, *sequences: int) -> None:
    """Measurements as a trainer makes them: committed, then told; each names the one before."""
    for place in sequences:
        one = measurement(place)
        with transaction(engine, outbox) as session:
            previous = recording.last_measured(session, run_id, before=place)
            recording.add_measurements(session, {Claim(run_id, 1): [(one, computed_at(one))]})
            publish(session, run_id, message(one, previous))


def message(one: Measurement, previous: int | None) -> MeasurementMessage:
    moment = computed_at(one).isoformat()
    return MeasurementMessage(previous=previous, computed_at=moment, measurement=one)


def add_frame(
    engine: Engine,
    outbox: Outbox,
    run_id: str,
    sequences: int,
    probes: int = 1,
    composition: bytes | None = None,
) -> FrameMessage:
    """A frame of `SMALL` in which number n is n / 1000; what was told of it."""
    numbers = array("f", [n / 1000 for n in range(2 * 2 * probes * 5 * 5)])
    with transaction(engine, outbox) as session:
        frame = StoredFrame(numbers.tobytes(), composition)
        recording.add_frames(session, {Claim(run_id, 1): {sequences: frame}})
        told = FrameMessage(sequences=sequences)
        publish(session, run_id, told)
    return told


def add_probe(engine: Engine, run_id: str) -> ProbeSequence:
    tokens = (ProbeToken(kind="exemplar", text="class 1"), ProbeToken(kind="label", text="A"))
    sequence = ProbeSequence(tokens=tokens, answer="A")
    with session_scope(engine) as session:
        recording.set_probe(session, run_id, [sequence])
    return sequence


def add_checkpoint(engine: Engine, run_id: str, file: StoredFile) -> None:
    with session_scope(engine) as session:
        recording.add_checkpoints(session, {Claim(run_id, 1): [file]})
