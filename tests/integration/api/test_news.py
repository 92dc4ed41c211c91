"""News of all runs: what pages about other things are told."""

from sqlalchemy import update

from app.db.engine import session_scope
from app.db.models import RunEvent
from app.db.news import SETTLED
from app.schemas.state import RunState
from app.services.runs.lifecycle import record_event, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.rows import moved, new_run


def read(client, **query) -> dict:
    return client.get("/api/v1/news", params=query).raise_for_status().json()


def let_settle(engine) -> None:
    with session_scope(engine) as session:
        session.execute(update(RunEvent).values(at=RunEvent.at - SETTLED))


def test_news_are_told_once_and_only_what_is_worth_telling(client, engine, outbox):
    run_id = new_run(engine, outbox, name="Watched")
    let_settle(engine)
    start = read(client)
    assert start["news"] == []
    assert start["cursor"] > 0

    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    with transaction(engine, outbox) as session:
        run = run_or_error(session, run_id)
        record_event(session, run, "phase_change", "It sets in", sequences=4_000)
    moved(engine, outbox, run_id, RunState.FINISHED)
    let_settle(engine)
    told = read(client, after=start["cursor"])

    change, end = told["news"]
    assert {"kind": "phase_change", "message": "It sets in", "sequences": 4_000}.items() <= (
        change.items()
    )
    assert {"kind": "finished", "run_id": run_id, "run_name": "Watched"}.items() <= end.items()
    assert read(client, after=told["cursor"]) == {"news": [], "cursor": told["cursor"]}


def test_what_was_just_written_waits_for_what_may_still_be_committed_before_it(
    client, engine, outbox
):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.FAILED)

    assert read(client) == {"news": [], "cursor": 0}
    assert read(client, after=0) == {"news": [], "cursor": 0}
    let_settle(engine)
    [failure] = read(client, after=0)["news"]
    assert failure["kind"] == "failed"
