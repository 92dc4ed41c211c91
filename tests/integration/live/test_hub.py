"""The stream of a run: nothing lost, nothing doubled, whatever dies meanwhile."""

import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from app.db.engine import session_scope
from app.db.models import Run
from app.schemas.api.events import CHANNEL_PREFIX, RunMessage
from app.schemas.state import RunState
from app.services.live.follower import BATCH
from app.services.runs.outbox import publish, transaction
from tests.integration.support.event_stream import EventStream
from tests.integration.support.rows import (
    add,
    add_frame,
    change,
    measurement,
    message,
    moved,
    new_run,
    report,
)
from tests.integration.support.web_server import free_port, wait_until_served

TRAINING = (RunState.STARTING, RunState.RUNNING)


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, *TRAINING)
    return run_id


@pytest.fixture
def follow(server, run_id):
    def follow(query: str = "", **headers: str) -> EventStream:
        return EventStream(f"{server.url}/api/v1/runs/{run_id}/events{query}", headers)

    return follow


def _tell(engine, outbox, run_id, news):
    with transaction(engine, outbox) as session:
        publish(session, run_id, news)


def test_where_the_run_stands_comes_first(follow, engine, run_id):
    add(engine, run_id, measurement(0))

    with follow() as stream:
        stream.wait_for(0)

    assert stream.events[0].name == "run"
    assert stream.events[0].data["state"] == "running"
    assert stream.events[0].data["id"] == run_id


def test_old_rows_come_in_batches_and_new_ones_one_by_one(follow, engine, outbox, run_id):
    count = 2 * BATCH + 50
    add(engine, run_id, *(measurement(10 * n) for n in range(count)))

    with follow() as stream:
        stream.wait_for(*(10 * n for n in range(count)))
        assert [len(event.data) for event in stream.named("measurements")] == [BATCH, BATCH, 50]

        report(engine, outbox, run_id, 10 * count, 10 * count + 10)
        stream.wait_for(*(10 * n for n in range(count + 2)))

    assert len(stream.named("measurement")) == 2


def test_measurements_carry_when_they_were_computed_and_sent(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)

    [event] = stream.named("measurement")
    assert event.data["computed_at"] == "2026-01-02T12:00:00+00:00"
    assert event.data["sent_at"] > event.data["computed_at"]
    assert event.data["loss"] == [0.7, 0.71, 0.72, 0.73]
    assert event.data["induction_strength"][1] == pytest.approx([0.12, 0.13])
    assert event.data["nonfinite"] == []


@pytest.mark.parametrize("told", [True, False], ids=["told", "read"])
def test_numbers_that_are_not_finite_are_null_and_named(follow, engine, outbox, run_id, told):
    odd = measurement(0, loss=-math.inf, strength=math.nan)
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        add(engine, run_id, odd)
        _tell(engine, outbox, run_id, message(odd, None) if told else message(odd, 5))
        stream.wait_for(0)

    data = stream.named("measurement")[0].data
    assert data["loss"] == [None] * 4
    assert data["induction_strength"] == [[None, None], [None, None]]
    assert {"series": "loss.train", "value": "-inf"} in data["nonfinite"]
    assert {"series": "induction_strength.L1H0", "value": "nan"} in data["nonfinite"]


def test_what_is_told_twice_is_sent_once(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        report(engine, outbox, run_id, 0, 32)
        _tell(engine, outbox, run_id, message(measurement(0), None))
        _tell(engine, outbox, run_id, message(measurement(32), 0))
        report(engine, outbox, run_id, 64)
        stream.wait_for(0, 32, 64)


def test_what_nobody_told_is_read_when_the_next_is_told(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)

        add(engine, run_id, measurement(32), measurement(64))
        report(engine, outbox, run_id, 96)

        stream.wait_for(0, 32, 64, 96)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?after=32", {}),
        ("", {"Last-Event-ID": "32"}),
        ("?after=0", {"Last-Event-ID": "32"}),
        ("?after=50", {}),
    ],
)
def test_a_reader_who_comes_back_gets_only_what_is_new(
    follow, engine, outbox, run_id, query, headers
):
    add(engine, run_id, *(measurement(n) for n in (0, 32, 64)))

    with follow(query, **headers) as stream:
        stream.wait_for(64)
        report(engine, outbox, run_id, 96)
        stream.wait_for(64, 96)


def test_readers_who_come_at_any_moment_get_every_row_once(follow, engine, outbox, run_id):
    places = [10 * n for n in range(150)]
    trainer = threading.Thread(target=report, args=(engine, outbox, run_id, *places))
    trainer.start()
    streams = []
    while trainer.is_alive():
        streams.append(follow().__enter__())
    trainer.join()

    for stream in streams:
        stream.wait_for(*places)
        stream.__exit__()
    assert len(streams) > 3


def test_nothing_is_lost_or_doubled_when_redis_dies_and_comes_back(
    follow, engine, outbox, run_id, servers
):
    with follow() as stream:
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)

        servers.valkey.kill()
        report(engine, outbox, run_id, 32, 64)
        stream.wait_for(0, 32, 64)
        moved(engine, outbox, run_id, RunState.STOPPING)
        stream.wait(lambda it: it.named("run")[-1].data["state"] == "stopping")

        servers.valkey.restart()
        report(engine, outbox, run_id, 96, 128)
        stream.wait_for(0, 32, 64, 96, 128)
        moved(engine, outbox, run_id, RunState.CANCELLED)
        stream.wait(lambda it: it.ended)

    assert stream.sequences == [0, 32, 64, 96, 128]
    assert stream.events[-1].name == "done"


def test_streams_survive_a_database_that_is_away(follow, engine, outbox, run_id, servers):
    with follow() as stream:
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)

        servers.postgres.kill()
        outbox.publish(f"optoscope:run:{run_id}", RunMessage().model_dump_json())
        stream.wait(lambda it: ": ping" in it.comments)
        servers.postgres.restart()
        report(engine, outbox, run_id, 32)

        stream.wait_for(0, 32)


def test_open_streams_hold_no_database_connection(follow, engine, outbox, run_id, server):
    pool = server.services.engine.pool
    with follow() as first, follow() as second, follow() as third:
        for stream in (first, second, third):
            stream.wait(lambda it: it.named("run"))
        report(engine, outbox, run_id, 0)
        for stream in (first, second, third):
            stream.wait_for(0)

        deadline = time.monotonic() + 5  # the reaper may hold one for a moment
        while pool.checkedout():
            assert time.monotonic() < deadline, pool.status()


def test_a_finished_run_ends_the_stream_after_its_last_row(follow, engine, outbox, run_id):
    with follow() as stream:
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)
        add(engine, run_id, measurement(32))
        moved(engine, outbox, run_id, RunState.FINISHED)
        stream.wait(lambda it: it.ended)

    assert stream.sequences == [0, 32]
    assert stream.named("run")[-1].data["state"] == "finished"
    assert [event.data for event in stream.named("done")] == [{"state": "finished"}]
    assert stream.events[-1].name == "done"


def test_the_stream_of_a_run_that_has_ended_is_short(follow, engine, outbox, run_id):
    add(engine, run_id, measurement(0), measurement(32))
    moved(engine, outbox, run_id, RunState.FINISHED)

    with follow("?after=0") as stream:
        stream.wait(lambda it: it.ended)

    assert [event.name for event in stream.events] == ["measurement", "run", "done"]
    assert stream.sequences == [32]


def test_deleting_a_run_ends_its_streams(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        with session_scope(engine) as session:
            session.delete(session.get_one(Run, run_id))
        _tell(engine, outbox, run_id, RunMessage())
        stream.wait(lambda it: it.ended)

    assert stream.events[-1].data == {"state": "deleted"}


def test_frames_are_named_once_each_those_before_and_those_after(follow, engine, outbox, run_id):
    add_frame(engine, outbox, run_id, 0)
    add_frame(engine, outbox, run_id, 32)

    with follow() as stream:
        stream.wait(lambda it: it.named("frames"))
        add_frame(engine, outbox, run_id, 64)
        stream.wait(lambda it: it.named("frame"))
        add_frame(engine, outbox, run_id, 64)
        report(engine, outbox, run_id, 64)
        stream.wait_for(64)

    assert [event.data for event in stream.named("frames")] == [{"sequences": [0, 32]}]
    assert [event.data for event in stream.named("frame")] == [{"sequences": 64}]


def test_the_run_is_told_at_most_four_times_a_second(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        begun = time.monotonic()
        for rate in range(60):
            change(engine, run_id, sequences_per_second=float(rate))
            _tell(engine, outbox, run_id, RunMessage())
        stream.wait(lambda it: it.named("run")[-1].data["sequences_per_second"] == 59.0)
        seconds = time.monotonic() - begun

    assert len(stream.named("run")) <= 2 + 4 * seconds


def test_news_that_cannot_be_read_harm_nobody(follow, engine, outbox, run_id):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        outbox.publish(f"optoscope:run:{run_id}", "{}")
        outbox.publish(f"optoscope:run:{run_id}", "no JSON")
        report(engine, outbox, run_id, 0)
        stream.wait_for(0)


def test_a_server_that_is_told_to_stop_ends_its_streams_at_once(settings, run_id, tmp_path):
    port = free_port()
    environment = {
        "OPTOSCOPE_DATABASE_URL": settings.database_url,
        "OPTOSCOPE_REDIS_URL": settings.redis_url,
        "OPTOSCOPE_DATA_DIR": str(tmp_path),
    }
    command = ["-m", "uvicorn", "--factory", "app.main:create_app", "--port", str(port)]
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
    try:
        url = wait_until_served(port, process, log)
        with EventStream(f"{url}/api/v1/runs/{run_id}/events") as stream:
            stream.wait(lambda it: it.named("run"))
            process.send_signal(signal.SIGTERM)
            stream.wait(lambda it: it.ended, seconds=3)
        assert process.wait(timeout=5) in (0, -signal.SIGTERM), log.read_text()
    finally:
        process.kill()
        process.wait()
    assert "Error" not in log.read_text()
    assert stream.named("done") == []


def test_news_on_a_channel_that_is_no_text_stop_nobody_from_hearing_others(
    follow, engine, outbox, run_id
):
    with follow() as stream:
        stream.wait(lambda it: it.named("run"))
        outbox.redis.publish(CHANNEL_PREFIX.encode() + b"\xff", b"{}")
        before = len(stream.named("run"))
        _tell(engine, outbox, run_id, RunMessage())

        # At once, or when the listener has come back a second later; an idle stream looks later.
        stream.wait(lambda it: len(it.named("run")) > before, seconds=4)
