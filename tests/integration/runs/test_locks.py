"""Transactions that meet at the same rows: none waits for another that waits for it, none stops
whom it need not stop, and what is gone when its turn comes is said to be gone."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import claims, lineage, runs
from app.db.claims import Claim
from app.db.engine import make_engine, session_scope
from app.db.recording import StoredFile
from app.schemas.api.runs import LaunchRequest
from app.schemas.state import ACTIVE, RunState
from app.services.runs import attempts, launching
from app.services.runs.creation import enqueue, make_run
from app.services.runs.lifecycle import change_run, request_cancel, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.locks import collision
from tests.integration.support.rows import SMALL, add_checkpoint, moved, new_run
from worker.retry import AWAY

RUNS = "/api/v1/runs"
LOW, HIGH = "aaaaaaaaaa", "zzzzzzzzzz"


@pytest.fixture
def starting(engine, outbox) -> list[Claim]:
    """Two claimed runs; the one of the higher id is the parent of the other, and lies first."""
    with transaction(engine, outbox) as session:
        for run_id in (HIGH, LOW):
            run = make_run(SMALL)
            run.id = run_id
            run.parent_id = HIGH if run_id == LOW else None
            enqueue(session, run)
    with transaction(engine, outbox) as session:
        return attempts.claim(session, [HIGH, LOW], worker="w", lease_seconds=60)


@pytest.fixture
def donor(engine, outbox) -> str:
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    add_checkpoint(engine, run_id, StoredFile(5024, "file:///nowhere", 7, "0" * 64))
    return run_id


def hold(session: Session, run_id: str) -> None:
    assert runs.locked_run(session, run_id)


def flush(engine, held: list[Claim]) -> int:
    """As a recorder does: all rows at once; how many it got."""
    with session_scope(engine) as session:
        return len(claims.hold_all(session, held))


def test_a_recorder_does_not_wait_for_who_keeps_its_run_from_deletion(engine, starting):
    with session_scope(engine) as forking:
        assert lineage.keep_from_deletion(forking, [HIGH])
        with session_scope(engine) as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert len(claims.hold_all(session, starting)) == 2


def test_a_supervisor_that_renews_and_a_recorder_never_wait_for_each_other(engine, starting):
    def renew() -> None:
        with session_scope(engine) as session:
            claims.renew_start(session, starting, 60, ACTIVE)

    with collision(engine) as meet:
        with session_scope(engine) as first:
            hold(first, HIGH)
            renewed = meet.begin(renew)
            flushed = meet.begin(lambda: flush(engine, starting))

        assert (renewed.result(10), flushed.result(10)) == (None, 2)


def test_who_renames_a_run_and_the_recorder_of_its_forks_never_wait_for_each_other(
    engine, outbox, starting
):
    def rename() -> None:
        with transaction(engine, outbox) as session:
            change_run(session, run_or_error(session, HIGH), name="Other")

    with collision(engine) as meet:
        with session_scope(engine) as first:
            hold(first, LOW)
            flushed = meet.begin(lambda: flush(engine, starting))
            renamed = meet.begin(rename)

        assert (renamed.result(10), flushed.result(10)) == (None, 2)


def test_a_supervisor_that_settles_locks_in_the_order_of_recorders(engine, outbox, starting):
    """Runs are claimed by priority, and settled by id."""
    assert [claim.run_id for claim in starting] == [HIGH, LOW]

    def settle() -> None:
        with transaction(engine, outbox) as session:
            for run in claims.hold_runs(session, starting):
                attempts.lose(session, run, "It died.")

    with collision(engine) as meet:
        with session_scope(engine) as first:
            hold(first, HIGH)
            settled = meet.begin(settle)
            flushed = meet.begin(lambda: flush(engine, starting))

        assert (settled.result(10), flushed.result(10)) == (None, 0)


def test_a_donor_is_not_deleted_under_a_launch_that_takes_layers_from_it(
    client, engine, outbox, donor
):
    clamp = {"kind": "graft_in", "site": "L0.resid", "checkpoint": f"{donor}@5024"}
    model = SMALL.model_dump(mode="json")["model"]
    request = LaunchRequest.model_validate({"config": {"model": model, "program": [clamp]}})

    with collision(engine) as meet:
        with transaction(engine, outbox) as session:
            launching.launch(session, request)
            deletion = meet.begin(lambda: client.delete(f"{RUNS}/{donor}"))

        assert deletion.result(10).status_code == 409


def test_of_two_deletions_at_once_the_later_finds_nothing(client, engine, donor):
    with collision(engine) as meet:
        with session_scope(engine) as first:
            hold(first, donor)
            deletions = [meet.begin(lambda: client.delete(f"{RUNS}/{donor}")) for _ in range(2)]

        assert sorted(one.result(10).status_code for one in deletions) == [204, 404]


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_what_is_asked_of_a_run_that_is_just_being_deleted_finds_nothing(
    client, engine, outbox, verb
):
    run_id = new_run(engine, outbox)
    with collision(engine) as meet:
        with session_scope(engine) as first:
            first.delete(run_or_error(first, run_id))
            first.flush()
            asked = meet.begin(lambda: client.post(f"{RUNS}/{run_id}/{verb}"))

        assert asked.result(10).status_code == 404


def test_a_process_that_is_frozen_in_the_middle_holds_a_run_no_longer_than_its_patience(
    settings, engine, outbox
):
    run_id = new_run(engine, outbox)
    frozen = make_engine(settings.database_url, patience_seconds=0.3)
    session = Session(frozen)
    hold(session, run_id)
    with transaction(engine, outbox) as other:  # while nothing is heard of it
        other.execute(text("SET LOCAL lock_timeout = '10s'"))
        request_cancel(other, run_or_error(other, run_id))
    with pytest.raises(AWAY):
        session.execute(text("SELECT 1"))
    session.close()
    with session_scope(frozen) as session:
        assert run_or_error(session, run_id), "it goes on with another connection"
    frozen.dispose()

    with session_scope(engine) as session:
        assert run_or_error(session, run_id).state == "cancelled"


def test_workers_have_the_patience_of_a_lease(settings):
    one = make_engine(settings.database_url, patience_seconds=settings.lease_seconds)
    with session_scope(one) as session:
        found = session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    one.dispose()

    assert found == f"{settings.lease_seconds:g}s"
