"""Runs of the paper's shape with as many measurements as wanted, written as trainers write them."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Engine,
    Integer,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    true,
    update,
)

from app.db import recording
from app.db.claims import Claim
from app.db.engine import session_scope
from app.db.models import MeasurementRow, Run
from app.db.studies import runs_of_study
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Measurement
from app.schemas.state import RunState
from app.schemas.studies.request import StudyRequest
from app.services.runs.outbox import Outbox, transaction
from app.services.studies import lifecycle
from tests.integration.support.rows import change, moved, new_run

LAYERS, HEADS = 2, 8
ATTEMPT = 1
CHUNK = 500  # measurements in a statement
SPREAD = 2_654_435_761
EVERY = 32  # sequences between measurements
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)  # nobody takes these runs for silent


def measured(place: int, end: int, rng: random.Random) -> Measurement:
    """What a run reports: a plateau, a drop in the middle, and some noise."""
    risen = 1 / (1 + math.exp(-30 * (place / end - 0.5)))

    def around(mean: float) -> float:
        return mean + rng.gauss(0, 0.01)

    def strengths() -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(around(risen * head / HEADS) for head in range(HEADS)) for _ in range(LAYERS)
        )

    shares = tuple(around(0.5 + 0.4 * risen) for _ in EVALUATORS)
    return Measurement(
        sequences=place,
        elapsed_seconds=place / 20_000,
        loss=tuple(around(0.75 - 0.6 * risen) for _ in EVALUATORS),
        accuracy=shares,
        in_context_accuracy=shares,
        correct_probability=shares,
        context_probability=shares,
        induction_strength=strengths(),
        previous_token_strength=strengths(),
    )


def paper_run(engine: Engine, outbox: Outbox, points: int, *, state: RunState, name: str) -> str:
    """A run with so many measurements; its id."""
    run_id = new_run(engine, outbox, config_of(points), name=name)
    fill(engine, run_id, points)
    put_into(engine, outbox, run_id, state)
    return run_id


def config_of(points: int, **changes: object) -> RunConfig:
    """The paper's model, in a run that can report twice as often."""
    recorded = {
        "evaluate_every": EVERY,
        "frame_every": 160 * EVERY,
        "checkpoint_every": 1600 * EVERY,
    }
    training = {"sequences": 2 * points * EVERY}
    return RunConfig.model_validate({"training": training, "recording": recorded, **changes})


def put_into(engine: Engine, outbox: Outbox, run_id: str, state: RunState) -> None:
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    change(engine, run_id, lease_until=FAR_AHEAD, attempt=ATTEMPT)
    if state is not RunState.RUNNING:
        moved(engine, outbox, run_id, state)


def fill(engine: Engine, run_id: str, points: int) -> None:
    """Measurements from the beginning on."""
    rng = random.Random(run_id)
    start = datetime.now(UTC) - timedelta(seconds=points)
    for first in range(0, points, CHUNK):
        rows = [
            (measured(EVERY * n, EVERY * points, rng), start + timedelta(seconds=n))
            for n in range(first, min(points, first + CHUNK))
        ]
        with session_scope(engine) as session:
            recording.add_measurements(session, {Claim(run_id, ATTEMPT): rows})


def copy_measurements(engine: Engine, source: str, targets: Sequence[str]) -> None:
    """The same measurements for other runs."""
    columns = list(MeasurementRow.__table__.c)
    for target in targets:
        copied = [literal(target) if one.name == "run_id" else one for one in columns]
        rows = select(*copied).where(MeasurementRow.run_id == source)
        names = [one.name for one in columns]
        with session_scope(engine) as session:
            session.execute(insert(MeasurementRow).from_select(names, rows))


def copy_run(engine: Engine, source: str, count: int) -> None:
    """So many runs more, older than this one, in several states, each with a name of its own."""
    run = Run.__table__
    numbers = func.generate_series(1, count).table_valued("value", name="numbers").render_derived()
    number = cast(numbers.c.value, Integer)
    states = case((number % 7 == 0, "failed"), (number % 5 == 0, "cancelled"), else_="finished")
    changed = {
        # Ten letters, no two the same: an odd factor only shuffles what is below 2^40.
        "id": func.lpad(func.to_hex(cast(number, BigInteger) * SPREAD % 2**40), 10, "0"),
        "name": func.concat("Copy ", number),
        "state": states,
        "created_at": run.c.created_at - number * timedelta(minutes=1),
    }
    written = [one for one in run.c if one.computed is None]
    columns = [changed.get(one.name, one) for one in written]
    rows = select(*columns).select_from(run.join(numbers, true())).where(run.c.id == source)
    with session_scope(engine) as session:
        session.execute(insert(Run).from_select([one.name for one in written], rows))


def pin_some(engine: Engine) -> None:
    """One in a hundred of all runs."""
    with session_scope(engine) as session:
        session.execute(update(Run).where(Run.name.endswith("50")).values(is_pinned=True))


def study_of(
    engine: Engine, outbox: Outbox, runs: int, points: int, *, state: RunState
) -> tuple[str, list[str]]:
    """A study of seeds whose runs have so many measurements each; its id and theirs."""
    asked = StudyRequest.model_validate(
        {
            "name": f"{runs} seeds",
            "reuse_finished": False,
            "base": config_of(points).model_dump(mode="json"),
            "axes": [{"field": "seeds.initial", "values": list(range(runs))}],
        }
    )
    with transaction(engine, outbox) as session:
        study = lifecycle.launch(session, asked)
        ids = [run.id for _, run in runs_of_study(session, study.id)]
    fill(engine, ids[0], points)
    copy_measurements(engine, ids[0], ids[1:])
    for run_id in ids:
        put_into(engine, outbox, run_id, state)
    return study.id, ids
