"""What a page says of a run that starts, and of what its time went to."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.schemas.state import RunState
from tests.integration.support.html import get
from tests.integration.support.rows import SMALL, change, moved, new_run

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def timed(engine, outbox):
    """A run that was moved through states, each so many seconds after the first."""

    def timed(**seconds: float) -> str:
        run_id = new_run(engine, outbox)
        moved(engine, outbox, run_id, *map(RunState, seconds))
        query = text("UPDATE run_event SET at = :at WHERE run_id = :id AND kind = :kind")
        with engine.begin() as connection:
            for kind, after in seconds.items():
                at = NOON + timedelta(seconds=after)
                connection.execute(query, {"at": at, "id": run_id, "kind": kind})
        return run_id

    return timed


def status(client, run_id: str) -> str:
    return get(client, f"/runs/{run_id}").one("div", id="status").text


def test_a_start_says_its_stage_how_long_it_takes_and_how_long_others_took(
    client, engine, outbox, timed
):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING)
    first = status(client, run_id)
    assert re.search(r"starts a process · \d+\.\d s since it was taken", first)
    assert "usually" not in first

    for seconds in (4, 18, 250):
        timed(starting=0, running=seconds, finished=seconds + 60)
    change(engine, run_id, stage="compiles the update program")

    now = status(client, run_id)
    assert "compiles the update program · " in now
    assert "usually 18 s; the last 3 took 4.0 s to 4 min 10 s" in now
    assert client.get(f"/api/v1/runs/{run_id}").json()["stage"] == "compiles the update program"


def test_a_stage_ends_with_its_start(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING)
    change(engine, run_id, stage="compiles the evaluation")

    moved(engine, outbox, run_id, RunState.RUNNING)

    assert "compiles" not in status(client, run_id)
    assert client.get(f"/api/v1/runs/{run_id}").json()["stage"] is None


def test_what_a_run_took_and_will_take_says_starting_and_training_apart(client, engine, timed):
    run_id = timed(starting=0, running=256, finished=330)
    change(engine, run_id, started_at=NOON, finished_at=NOON + timedelta(seconds=330))

    said = "took 5 min 30 s: 4 min 16 s starting and compiling, 1 min 14 s training"
    assert said in status(client, run_id)

    dry = client.post("/api/v1/runs?dry_run=true", json={"config": SMALL.model_dump(mode="json")})
    assert dry.json()["estimate"]["start_seconds"] == 256
    form = get(client, "/runs/new")
    facts = form.one("dl", class_="facts").text
    assert "starting and compiling before it usually 4 min 16 s, here so far" in facts
