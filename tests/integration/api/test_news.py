"""News of all runs: what pages about other things are told."""

from app.db.engine import session_scope
from app.db.news import SETTLED
from app.db.runs import events_of, now
from app.schemas.state import RunState
from app.services.runs.lifecycle import move, record_event, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.rows import moved, new_run
from tests.integration.support.wait import until


def read(client, **query) -> dict:
    return client.get("/api/v1/news", params=query).raise_for_status().json()


def let_settle(engine, run_id) -> None:
    """Waits until the latest event of a run is old enough to be told."""

    def is_settled() -> bool:
        with session_scope(engine) as session:
            return events_of(session, run_id)[-1].at < now(session) - SETTLED

    until(is_settled)


def test_news_are_told_once_and_only_what_is_worth_telling(client, engine, outbox):
    run_id = new_run(engine, outbox, name="Watched")
    until(lambda: read(client)["cursor"])
    start = read(client)
    assert start["news"] == []

    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    with transaction(engine, outbox) as session:
        run = run_or_error(session, run_id)
        record_event(session, run, "phase_change", "It sets in", sequences=4_000)
    moved(engine, outbox, run_id, RunState.FINISHED)
    until(lambda: len(read(client, after=start["cursor"])["news"]) == 2)
    told = read(client, after=start["cursor"])

    change, end = told["news"]
    assert {"kind": "phase_change", "message": "It sets in", "sequences": 4_000}.items() <= (
        change.items()
    )
    assert {"kind": "finished", "run_id": run_id, "run_name": "Watched"}.items() <= end.items()
    assert read(client, after=told["cursor"]) == {"news": [], "cursor": told["cursor"]}


def test_what_is_written_waits_for_what_may_still_be_committed_before_it(client, engine, outbox):
    slow, quick = new_run(engine, outbox), new_run(engine, outbox)
    for run_id in (slow, quick):
        moved(engine, outbox, run_id, RunState.STARTING)
    with transaction(engine, outbox) as session:
        move(session, run_or_error(session, slow), RunState.FAILED)  # an id, and no commit yet
        moved(engine, outbox, quick, RunState.FAILED)
        let_settle(engine, quick)
        assert read(client, after=0)["news"] == []

    until(lambda: read(client, after=0)["news"])
    assert [one["run_id"] for one in read(client, after=0)["news"]] == [slow, quick]
