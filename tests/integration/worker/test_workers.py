"""Workers as the page and the API tell of them, and a real one that says it is there."""

import time

from sqlalchemy import text

from app.db.engine import session_scope
from app.db.workers import Description, report
from app.schemas.state import RunState
from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from app.services.runs.planning import plan
from tests.integration.support.html import Document
from tests.integration.support.recorded import row, state
from tests.integration.support.rows import change, moved, new_run
from tests.integration.support.worker_process import WorkerProcess, tiny

IMPATIENT = "tests.integration.support.impatient_app"
SECONDS = 2  # that its broker waits for an acknowledgement


def there(engine, name: str) -> None:
    with session_scope(engine) as session:
        report(session, Description(name, "lab", 4711, "CPU", 2, 8 * 10**9, 10**9, "2.13.0"))


def test_a_worker_tells_what_it_trains_how_fast_and_what_waits(client, engine, outbox):
    there(engine, "lab-4711")
    trained = [new_run(engine, outbox, name=f"run {number}") for number in range(6)]
    with transaction(engine, outbox) as session:
        plan(session, worker="lab-4711", lease_seconds=60, most=32, memory=10**12)
    for run_id in trained:
        moved(engine, outbox, run_id, RunState.RUNNING)
        change(engine, run_id, sequences=250_000, sequences_per_second=1000.0)
    new_run(engine, outbox)

    read = client.get("/api/v1/workers").json()
    page = client.get("/workers").text

    (worker,) = read["workers"]
    assert [run["id"] for run in worker["runs"]] == trained
    assert (worker["sequences_per_second"], worker["is_silent"]) == (6000.0, False)
    assert read["waiting"] == 1
    assert 0 <= read["oldest_wait_seconds"] < 60
    assert "1 run waits for a worker, for" in page
    assert "run 0</a>" in page
    assert "and 2 more" in page
    assert "1 GB" in page


def test_a_worker_that_is_not_heard_of_is_silent_and_forgotten_after_a_day(client, engine):
    for name, hours in (("silent", 1), ("gone", 25)):
        there(engine, name)
        with engine.begin() as connection:
            ago = "UPDATE worker SET seen_at = now() - make_interval(hours => :h) WHERE name = :n"
            connection.execute(text(ago), {"h": hours, "n": name})
    there(engine, "there")

    workers = client.get("/api/v1/workers").json()["workers"]
    page = Document(client.get("/workers", headers={"HX-Request": "true"}).text)

    assert {one["name"]: one["is_silent"] for one in workers} == {"silent": True, "there": False}
    assert "silent since 1 h ago" in page.one("div", id="workers-table").text


def test_without_workers_the_page_says_how_to_start_one(client):
    assert "No worker has been heard of" in client.get("/workers").text


def test_workers_that_start_together_share_what_waits(settings, engine, outbox):
    with transaction(engine, outbox) as session:
        long = tiny(training={"sequences": 1_000_000})
        ids = [create_run(session, long).id for _ in range(4)]
    workers = [WorkerProcess(settings) for _ in range(2)]
    for worker in workers:
        worker.start()

    def shares() -> list[int]:
        query = text("SELECT count(*) FROM run WHERE worker IS NOT NULL GROUP BY worker")
        with engine.connect() as connection:
            found = sorted(connection.execute(query).scalars())
        return found if sum(found) == len(ids) else []

    try:
        assert workers[0].until(shares, "runs taken by both", seconds=30) == [2, 2]
    finally:
        for worker in workers:
            worker.kill()


def test_a_worker_says_that_it_is_there_until_it_stops(settings, client):
    process = WorkerProcess(settings)
    process.start()

    def found() -> list[dict]:
        return client.get("/api/v1/workers").json()["workers"]

    (worker,) = process.until(found, "a worker")
    process.stop()

    assert (worker["pid"], worker["runs"]) == (process.pid, [])
    assert worker["memory"] > worker["memory_free"] > 0
    assert worker["torch"].startswith("2.")
    assert found() == []


def test_a_training_that_outlasts_the_brokers_patience_is_delivered_once(settings, engine, outbox):
    """A broker gives what is not acknowledged in time to somebody else: nothing is by then."""
    pair = [WorkerProcess(settings, module=IMPATIENT) for _ in range(2)]
    for one in pair:
        one.start()
    try:
        with transaction(engine, outbox) as session:
            run_id = create_run(session, tiny(training={"sequences": 10_000_000})).id
        pair[0].until(lambda: state(engine, run_id) == "running", "running run")
        began = time.monotonic()
        pair[0].until(lambda: time.monotonic() - began > 3 * SECONDS, "a long training")

        assert outbox.redis.hlen("unacked") == 0
        assert outbox.waiting() == 0
        assert (state(engine, run_id), row(engine, run_id).attempt) == ("running", 1)
    finally:
        for one in pair:
            one.kill()
