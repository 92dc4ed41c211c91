"""A real worker and its trainers: runs reach their end, are cancelled, fail with a sentence."""

import time
from functools import partial

import pytest

from app.schemas.api.events import MeasurementMessage, channel
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import request_cancel, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support import recorded
from tests.integration.support.recorded import places, state
from tests.integration.support.worker_process import TINY, WorkerProcess, freeze, is_alive, tiny

END = TINY["training"]["sequences"]
LONG = {"sequences": 10_000_000, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def worker(session_settings):
    """One worker for this file: none of its tests harms it."""
    process = WorkerProcess(session_settings)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def launch(engine, outbox):
    def launch(**parts) -> str:
        with transaction(engine, outbox) as session:
            return create_run(session, tiny(**parts)).id

    return launch


@pytest.fixture
def change(engine, outbox):
    """Does something to a run, in a transaction of its own."""

    def change(how, run_id: str) -> None:
        with transaction(engine, outbox) as session:
            how(session, run_or_error(session, run_id))

    return change


@pytest.fixture
def row(engine):
    return partial(recorded.row, engine)


def due(end: int, every: int, batch: int = 32) -> list[int]:
    """Where something is reported: before the first update at or past each multiple, and last."""
    return sorted({*(-(-at // batch) * batch for at in range(0, end + 1, every)), end})


def test_a_run_is_trained_recorded_and_sent_to_open_pages(worker, launch, engine, outbox, row):
    with outbox.redis.pubsub() as page:
        run_id = launch()
        page.subscribe(channel(run_id))
        news: list[MeasurementMessage] = []

        def listen() -> bool:
            message = page.get_message(timeout=0.1) or {"type": "none"}
            if message["type"] == "message" and b'"measurement"' in message["data"]:
                news.append(MeasurementMessage.model_validate_json(message["data"]))
            return state(engine, run_id) == "finished" and message["type"] == "none"

        worker.until(listen, "finished run")

    measured = due(END, every=250)
    assert places(engine, run_id) == measured
    assert places(engine, run_id, "frame") == due(END, every=1000)
    assert places(engine, run_id, "checkpoint") == due(END, every=5000)
    assert [one.measurement.sequences for one in news] == measured
    assert [one.previous for one in news] == [None, *measured[:-1]]
    run = row(run_id)
    assert (run.sequences, run.attempt, run.fruitless_attempts) == (END, 1, 0)
    assert run.device == "CPU, 1 thread, not compiled"
    assert run.sequences_per_second > 0
    assert run.lease_until is None
    assert run.started_at < run.finished_at


def test_a_wake_up_that_comes_twice_trains_once(worker, launch, engine, outbox, row):
    run_id = launch(training={"sequences": 320})
    for _ in range(3):
        outbox.send_train(run_id)

    worker.until(lambda: state(engine, run_id) == "finished", "finished run")
    worker.until(lambda: outbox.waiting() == 0, "empty queue")  # each is taken after the last one

    assert state(engine, run_id) == "finished"
    assert row(run_id).attempt == 1


def test_a_cancelled_run_stops_within_two_seconds_and_keeps_what_it_measured(
    worker, launch, change, engine
):
    run_id = launch(training=LONG)
    worker.until(lambda: len(places(engine, run_id)) > 3, "measurements")

    asked = time.monotonic()
    change(request_cancel, run_id)
    worker.until(lambda: state(engine, run_id) == "cancelled", "cancelled run", seconds=5)

    assert time.monotonic() - asked <= 2
    measured = places(engine, run_id)
    assert measured == due(measured[-1], every=250)


def test_a_trainer_that_cannot_listen_is_killed_when_its_run_is_cancelled(
    worker, launch, change, engine
):
    """As while it compiles; here it is stopped by the kernel."""
    run_id = launch(training=LONG)
    trainer = worker.trainer(run_id, attempt=1)
    worker.until(lambda: state(engine, run_id) == "running", "running run")
    freeze(trainer, engine)

    asked = time.monotonic()
    change(request_cancel, run_id)
    worker.until(lambda: state(engine, run_id) == "cancelled", "cancelled run", seconds=5)

    assert time.monotonic() - asked <= 2
    assert not is_alive(trainer)


def test_a_run_whose_loss_becomes_nan_fails_with_a_sentence_and_keeps_what_was_sound(
    worker, launch, engine, row
):
    # Labels that the first batch lacks have no gradient: 0 / 0 without an epsilon.
    run_id = launch(training={"sequences": 9600, "epsilon": 1e-60}, task={"labels": 100})

    worker.until(lambda: state(engine, run_id) == "failed", "failed run")

    run = row(run_id)
    assert run.error_kind == "diverged"
    assert run.error_message.startswith("The loss became NaN at 256 sequences")
    assert places(engine, run_id) == [0, 256]
    assert run.train_loss != run.train_loss
    assert places(engine, run_id, "checkpoint") == [0]


def test_an_unreadable_data_file_fails_the_run_with_a_sentence(worker, launch, engine, row):
    run_id = launch(task={"dataset": "file:/nowhere/features.npz"})

    worker.until(lambda: state(engine, run_id) == "failed", "failed run")

    run = row(run_id)
    assert run.error_kind == "bad_data_file"
    assert "/nowhere/features.npz" in run.error_message
    assert worker.trainer_log(run_id) == ""  # no trainer was started for it
