"""Runs that nobody looks after: silent trainers are noticed, lost wake-ups are sent again."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.db import claims, locks, runs
from app.db.claims import Claim
from app.db.engine import session_scope
from app.db.models import Run
from app.schemas.api.events import TRAIN_QUEUE
from app.schemas.state import RunState
from app.services.runs import reaper as the_reaper
from app.services.runs.attempts import claim
from app.services.runs.outbox import transaction
from app.services.runs.reaper import GRACE_SECONDS, Reaper
from tests.integration.support.event_stream import EventStream
from tests.integration.support.rows import change, moved, new_run
from tests.integration.support.wait import sweep, until

PAST = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def run_id(engine, outbox) -> str:
    return new_run(engine, outbox)


def _claimed(engine, outbox, run_id, lease_seconds: float) -> None:
    with transaction(engine, outbox) as session:
        claim(session, [run_id], worker="w1", lease_seconds=lease_seconds)


def _run(engine, run_id) -> Run:
    with session_scope(engine) as session:
        return session.get_one(Run, run_id)


def _waited(engine, run_id) -> None:
    """Makes the run look as if it had waited for a minute."""
    with Session(engine) as session, session.begin():
        for event in runs.events_of(session, run_id):
            event.at = PAST


def test_a_silent_trainer_loses_its_run_and_workers_are_told(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)
    outbox.redis.delete(TRAIN_QUEUE)

    sweep(engine, outbox)

    run = _run(engine, run_id)
    assert (run.state, run.lease_until) == ("lost", None)
    assert outbox.waiting() == 1


def test_a_trainer_that_keeps_its_lease_keeps_its_run(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=60)

    sweep(engine, outbox)

    assert _run(engine, run_id).state == "starting"


def test_a_run_that_was_to_stop_is_cancelled_when_its_trainer_falls_silent(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)
    moved(engine, outbox, run_id, RunState.STOPPING)

    sweep(engine, outbox)

    assert _run(engine, run_id).state == "cancelled"


def test_a_trainer_that_is_just_renewing_is_not_disturbed(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)

    with Session(engine) as session, session.begin():
        held = claims.hold_all(session, [Claim(run_id, 1)])
        sweep(engine, outbox)
        claims.renew(session, list(held), 60)

    assert _run(engine, run_id).state == "starting"


def test_lost_wake_ups_are_sent_again(engine, outbox, run_id):
    outbox.redis.flushall()
    _waited(engine, run_id)

    sweep(engine, outbox)

    assert outbox.waiting() == 1


def test_runs_that_have_just_come_are_not_announced_twice(engine, outbox, run_id):
    outbox.redis.flushall()

    sweep(engine, outbox)

    assert outbox.waiting() == 0


def test_nothing_is_sent_again_while_the_broker_has_something(engine, outbox, run_id):
    _waited(engine, run_id)

    sweep(engine, outbox)
    sweep(engine, outbox)

    assert outbox.waiting() == 1


def test_runs_that_are_launched_while_redis_is_away_are_announced_when_it_is_back(
    engine, outbox, servers
):
    servers.valkey.kill()
    run_id = new_run(engine, outbox)
    _waited(engine, run_id)
    sweep(engine, outbox)

    servers.valkey.restart()
    until(lambda: sweep(engine, outbox) or outbox.waiting() == 1)


def test_two_sweeps_at_once_lose_a_run_once(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)

    threads = [threading.Thread(target=sweep, args=(engine, outbox)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with Session(engine) as session:
        kinds = [event.kind for event in runs.events_of(session, run_id)]
    assert kinds == ["queued", "starting", "lost"]


def test_a_sweep_beside_another_one_does_nothing_and_says_so(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)

    with session_scope(engine) as session:
        locks.lock(session, "optoscope.reaper")
        assert not the_reaper.sweep(engine, outbox)
    assert _run(engine, run_id).state == "starting"


def test_the_web_process_sweeps_and_pages_see_it(server, engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=60)
    with EventStream(f"{server.url}/api/v1/runs/{run_id}/events") as stream:
        stream.wait(lambda it: it.named("run"))
        change(engine, run_id, lease_until=PAST)

        # A server that has just started gives trainers time to be heard.
        stream.wait(
            lambda it: it.named("run")[-1].data["state"] == "lost", seconds=GRACE_SECONDS + 10
        )


def test_the_reaper_outlives_a_database_that_is_away(engine, outbox, run_id, servers):
    reaper = Reaper(engine, outbox, every_seconds=0.05, grace_seconds=0.1)
    reaper.start()
    try:
        servers.postgres.kill()
        servers.postgres.restart()
        _claimed(engine, outbox, run_id, lease_seconds=-1)
        until(lambda: _run(engine, run_id).state == "lost")
    finally:
        reaper.stop()


def test_the_reaper_outlives_what_it_does_not_expect(engine, outbox, run_id):
    _claimed(engine, outbox, run_id, lease_seconds=-1)
    failed = threading.Event()

    def fail(*_) -> None:
        failed.set()
        raise RuntimeError("a bug")

    event.listen(engine, "engine_connect", fail)
    reaper = Reaper(engine, outbox, every_seconds=0.05, grace_seconds=0)
    reaper.start()
    try:
        assert failed.wait(10)
        event.remove(engine, "engine_connect", fail)
        until(lambda: _run(engine, run_id).state == "lost")
    finally:
        reaper.stop()
