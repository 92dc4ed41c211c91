"""kill -9 of anything in the middle of a run: nothing missing, nothing doubled, the same numbers.

Every run here is compared, bit for bit, with one that nobody disturbed.
"""

import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from app.config import Settings
from app.db import runs
from app.db.engine import make_engine, session_scope
from app.db.whole.migrate import upgrade
from app.services.runs.creation import create_run
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.reaper import Reaper
from app.stack.servers.start import start_servers
from tests.integration.support.recorded import events, numbers, places, state
from tests.integration.support.wait import sweep
from tests.integration.support.worker_process import (
    WorkerProcess,
    freeze,
    half_way,
    is_alive,
    kill_now,
    parent_of,
    tiny,
)

LEASE_SECONDS = 2.0
OUTAGE_SECONDS = 2 * LEASE_SECONDS


@pytest.fixture(scope="module")
def shared(session_settings):
    """A worker that some tests kill, for those that come after them to start again."""
    process = WorkerProcess(session_settings, lease_seconds=LEASE_SECONDS)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def worker(shared):
    if not shared.is_running:
        shared.start()
    return shared


@pytest.fixture(scope="module")
def undisturbed(shared, session_engine, session_outbox):
    """The numbers of a run from start to end."""
    run_id = launch(session_engine, session_outbox)
    shared.until(lambda: state(session_engine, run_id) == "finished", "finished run")
    return numbers(session_engine, run_id)


@pytest.fixture(scope="module")
def own_servers():
    """Servers that tests may kill."""
    with tempfile.TemporaryDirectory(prefix="optoscope-") as folder:
        Path(folder).chmod(0o755)
        with start_servers(Path(folder)) as servers:
            yield servers


@pytest.fixture(scope="module")
def own(own_servers, tmp_path_factory):
    """Engine and outbox for those servers, and a worker."""
    urls = {"database_url": own_servers.database_url, "redis_url": own_servers.redis_url}
    settings = Settings(**urls, data_dir=tmp_path_factory.mktemp("data"))
    upgrade(settings.database_url)
    engine, outbox = make_engine(settings.database_url), Outbox(settings.redis_url)
    worker = WorkerProcess(settings, lease_seconds=LEASE_SECONDS)
    worker.start()
    yield engine, outbox, worker
    worker.kill()
    outbox.close()
    engine.dispose()


def launch(engine, outbox, **parts) -> str:
    with transaction(engine, outbox) as session:
        return create_run(session, tiny(**parts)).id


def moves(engine, run_id: str) -> list[str]:
    return [kind for kind, _ in events(engine, run_id) if kind != "phase_change"]


def test_a_killed_trainer_is_followed_by_one_that_goes_on_exactly(
    undisturbed, worker, engine, outbox
):
    run_id = half_way(worker, engine, partial(launch, engine, outbox))
    # A kill between a commit and the removal of what that has replaced leaves the file there.
    worker.until(lambda: len(resume_files(worker, run_id)) == 1, "removed file")
    kill_now(worker.trainer(run_id, attempt=1))

    worker.until(lambda: state(engine, run_id) == "finished", "finished run")

    assert numbers(engine, run_id) == undisturbed
    told = ["queued", "starting", "running", "lost", "starting", "running", "finished"]
    assert moves(engine, run_id) == told
    assert any(message.startswith("Resumed at ") for _, message in events(engine, run_id))
    assert len(resume_files(worker, run_id)) == 1


def resume_files(worker: WorkerProcess, run_id: str) -> list[Path]:
    return list(worker.settings.data_dir.glob(f"checkpoints/{run_id}/resume-*"))


def test_a_killed_worker_takes_its_trainer_along_and_another_goes_on_exactly(
    undisturbed, worker, engine, outbox
):
    run_id = half_way(worker, engine, partial(launch, engine, outbox))
    trainer = worker.trainer(run_id, attempt=1)

    worker.kill()
    worker.until(lambda: not is_alive(trainer), "end of its trainer", seconds=2)
    worker.until(
        lambda: sweep(engine, outbox) or state(engine, run_id) == "lost", "lost run", seconds=5
    )
    worker.start()
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")

    assert numbers(engine, run_id) == undisturbed


def test_a_killed_pool_process_takes_its_trainer_along_and_its_successor_goes_on_exactly(
    undisturbed, worker, engine, outbox
):
    run_id = half_way(worker, engine, partial(launch, engine, outbox))
    trainer = worker.trainer(run_id, attempt=1)

    kill_now(parent_of(parent_of(trainer)))  # beyond the fork server
    worker.until(lambda: not is_alive(trainer), "end of its trainer", seconds=2)
    worker.until(
        lambda: sweep(engine, outbox) or state(engine, run_id) == "finished", "finished run"
    )

    assert numbers(engine, run_id) == undisturbed
    assert "lost" in moves(engine, run_id)


def test_a_trainer_that_slept_past_its_lease_writes_nothing_when_it_wakes_up(
    undisturbed, worker, engine, outbox
):
    run_id = half_way(worker, engine, partial(launch, engine, outbox))
    trainer = worker.trainer(run_id, attempt=1)
    freeze(trainer, engine)
    worker.until(
        lambda: sweep(engine, outbox) or state(engine, run_id) == "lost", "lost run", seconds=10
    )
    measured = places(engine, run_id)

    os.kill(trainer, signal.SIGCONT)
    worker.until(lambda: not is_alive(trainer), "end of the trainer")
    assert places(engine, run_id)[: len(measured)] == measured
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")

    assert numbers(engine, run_id) == undisturbed
    told = ["queued", "starting", "running", "lost", "starting", "running", "finished"]
    assert moves(engine, run_id) == told


def test_a_worker_that_is_asked_to_stop_gives_its_run_back_and_another_goes_on_exactly(
    undisturbed, worker, engine, outbox
):
    run_id = half_way(worker, engine, partial(launch, engine, outbox))

    worker.stop()
    assert state(engine, run_id) == "queued"
    measured = len(places(engine, run_id))
    worker.start()
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")

    assert numbers(engine, run_id) == undisturbed
    assert measured < len(undisturbed)
    told = ["queued", "starting", "running", "queued", "starting", "running", "finished"]
    assert moves(engine, run_id) == told


def test_a_worker_that_is_asked_to_stop_does_not_wait_for_a_trainer_that_only_starts(
    worker, engine, outbox
):
    run_id = launch(engine, outbox)
    trainer = worker.trainer(run_id, attempt=1)

    worker.stop(seconds=6)

    assert not is_alive(trainer)
    assert moves(engine, run_id) == ["queued", "starting", "queued"]


def test_a_run_whose_trainers_die_without_a_measurement_fails_after_three(worker, engine, outbox):
    run_id = launch(engine, outbox)

    for attempt in (1, 2, 3):
        trainer = worker.trainer(run_id, attempt)
        with session_scope(engine) as session:  # which keeps it from writing what it measures
            assert runs.locked_run(session, run_id)
            worker.until(partial(worker.is_ready, run_id, attempt), "trainer that can train")
            kill_now(trainer)
    worker.until(lambda: state(engine, run_id) == "failed", "failed run")

    assert moves(engine, run_id)[-2:] == ["starting", "failed"]
    assert "3 attempts in a row measured nothing new" in events(engine, run_id)[-1][1]


def test_an_outage_of_postgres_longer_than_the_lease_costs_nothing(undisturbed, own_servers, own):
    engine, outbox, worker = own
    run_id = half_way(worker, engine, partial(launch, engine, outbox))
    reaper = Reaper(engine, outbox, every_seconds=0.1)
    reaper.start()

    own_servers.postgres.kill()
    time.sleep(OUTAGE_SECONDS)
    own_servers.postgres.restart()
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")
    reaper.stop()

    assert numbers(engine, run_id) == undisturbed
    assert moves(engine, run_id) == ["queued", "starting", "running", "finished"]


def test_a_worker_stops_although_postgres_is_away(own_servers, own):
    _, outbox, worker = own
    own_servers.postgres.kill()
    outbox.send_train("whichever")
    said = "Postgres does not answer, trying again"
    before = worker.log.read_text().count(said)
    worker.until(lambda: worker.log.read_text().count(said) > before, "a worker that waits")

    worker.stop(seconds=10)

    own_servers.postgres.restart()
    worker.start()


def test_a_killed_valkey_costs_a_run_nothing_and_the_next_one_gets_through(
    undisturbed, own_servers, own
):
    engine, outbox, worker = own
    run_id = half_way(worker, engine, partial(launch, engine, outbox))

    own_servers.valkey.kill()
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")
    following = launch(engine, outbox, training={"sequences": 1_000_000})  # nobody hears of it
    own_servers.valkey.restart()
    worker.until(
        lambda: sweep(engine, outbox) or state(engine, following) == "running",
        "running run after it",
    )

    assert numbers(engine, run_id) == undisturbed
