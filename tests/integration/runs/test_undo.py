"""Deleting with undo: hidden at once and everywhere, restored as it was, purged when time is up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from app.db import analyses, studies
from app.db import retention as kept
from app.db.engine import session_scope
from app.db.models import INCLUDING_DELETED, MeasurementRow, Run
from app.db.recording import StoredFile
from app.schemas.api.bulk import BulkRequest
from app.schemas.state import RunState
from app.services.runs import bulk, retention
from app.services.runs.deletion import Disposal, lock_deleting, purge_overdue
from app.services.runs.log_files import log_folder, remove_logs_of_deleted
from app.services.runs.outbox import transaction
from tests.integration.support.hidden import forgets_the_deleted
from tests.integration.support.html import Document
from tests.integration.support.locks import collision
from tests.integration.support.rows import (
    SMALL,
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    measurement,
    moved,
    new_run,
)

RUNS = "/api/v1/runs"
NAME, TAG = "Xylophone", "zither"
FORK = {"sequences": 5024, "optimiser": "reset"}
ASKED = {  # of operations that must be told something
    "/api/v1/compare": {"runs": "{run}"},
    "/api/v1/measurements": {"runs": "{run}"},
    "/api/v1/measurements.csv": {"runs": "{run}"},
    "/api/v1/runs": {"q": NAME},
    "/runs": {"q": "{run}"},
    "/compare": {"runs": "{run}"},
    "/api/v1/events": {"runs": "{run}"},
}


@pytest.fixture
def study(client, engine, outbox) -> str:
    axis = {"field": "seeds.initial", "values": [5, 6]}
    base = {"model": {"heads": 2, "width": 16}}
    made = client.post("/api/v1/studies", json={"name": "Study", "base": base, "axes": [axis]})
    return made.json()["id"]


@pytest.fixture
def ended(study, client, engine, outbox, settings) -> str:
    """A run that has finished, in a study, with all that a run has."""
    run_id = client.get(f"/api/v1/studies/{study}").json()["runs"][0]["id"]
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    client.patch(f"{RUNS}/{run_id}", json={"name": NAME, "tags": [TAG]})
    add(engine, run_id, measurement(0), measurement(5024))
    add_frame(engine, outbox, run_id, 0)
    add_probe(engine, run_id)
    folder = settings.data_dir / "checkpoints" / run_id
    folder.mkdir(parents=True)
    file = folder / "5024.safetensors"
    file.write_bytes(b"weights")
    add_checkpoint(engine, run_id, StoredFile(5024, file.as_uri(), 7, "ab" * 32))
    log = log_folder(settings.data_dir) / f"{run_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("said\n")
    return run_id


def delete(client, run_id: str, **query: bool) -> int:
    return client.delete(f"{RUNS}/{run_id}", params=query).status_code


def restore(client, run_id: str) -> int:
    return client.post(f"{RUNS}/{run_id}/restore").status_code


def rows(engine, run_id: str) -> int:
    with session_scope(engine) as session:
        found = session.scalars(select(MeasurementRow).where(MeasurementRow.run_id == run_id))
        return len(found.all())


def let_time_pass(engine, run_id: str) -> None:
    with session_scope(engine) as session:
        late = update(Run).where(Run.id == run_id).values(kept_until=Run.created_at)
        session.execute(late, execution_options=INCLUDING_DELETED)


def sweep(engine, outbox, settings) -> None:
    purge_overdue(lambda: transaction(engine, outbox), settings.checkpoint_url)
    retention.tidy(engine)
    remove_logs_of_deleted(engine, settings.data_dir)


def addresses(client, run_id: str, study: str, analysis: str) -> list[str]:
    """Everything that can be got, pages included, but for streams that do not end."""
    document = client.get("/api/v1/openapi.json").json()["paths"]
    found = [path for path, said in document.items() if "get" in said]
    found += ["/runs", "/runs/{run_id}", "/runs/{run_id}/status", "/runs/{run_id}/log", "/studies"]
    found += ["/studies/{study_id}", "/compare", "/workers", "/paper", "/analyses/{analysis_id}"]
    known = {"run_id": run_id, "study_id": study, "analysis_id": analysis, "sequences": "5024"}
    known |= {"name": "loss", "figure": "loss"}
    said = [path for path in found if not path.startswith(("/api/v1/tokens", "/api/v1/audit"))]
    return [path.format_map(_Known(known)) for path in said]


class _Known(dict[str, str]):
    def __missing__(self, _key: str) -> str:
        return "0"


def test_nothing_that_can_be_got_shows_a_deleted_run(client, engine, ended, study):
    request = {"kind": "exhaustive", "run": ended, "checkpoints": [5024]}
    analysis = client.post("/api/v1/analyses", json=request).json()["id"]
    asked = [
        (path, {name: value.format(run=ended) for name, value in ASKED.get(path, {}).items()})
        for path in addresses(client, ended, study, analysis)
    ]

    def shown() -> list[str]:
        found = []
        for path, query in asked:
            answer = client.get(path, params=query)
            assert answer.status_code < 500, path
            if answer.status_code == 200 and any(it in answer.text for it in (NAME, TAG, ended)):
                found.append(path)
        return found

    before = shown()
    assert len(before) > 20, before
    assert delete(client, ended) == 204

    # What was asked for is repeated: the word that is searched, the ids that are compared.
    echoed = {"/runs", "/compare"}
    assert set(shown()) - echoed == set()
    page = Document(client.get("/runs").text)
    assert not page.all("tr", id=f"run-{ended}")
    assert restore(client, ended) == 200
    assert shown() == before


def test_a_deleted_run_says_so_and_is_restored_as_it_was(client, engine, ended, study):
    whole = client.get(f"{RUNS}/{ended}").json()
    assert delete(client, ended) == 204

    said = client.get(f"{RUNS}/{ended}")
    assert said.status_code == 410
    assert "can be restored until" in said.json()["detail"]
    page = Document(client.get(f"/runs/{ended}").text)
    assert page.one("form", action=f"/runs/{ended}/restore")
    (listed,) = client.get(RUNS, params={"deleted": True}).json()["runs"]
    assert listed["id"] == ended
    assert listed["deleted_at"] < listed["kept_until"]
    assert f"run-{ended}" in client.get("/runs", params={"deleted": 1}).text
    assert client.get(f"{RUNS}/count").json()["count"] == 1, "the other of its study"

    assert client.post(f"/runs/{ended}/restore").status_code == 303
    assert delete(client, ended) == 204
    assert restore(client, ended) == 200
    assert restore(client, ended) == 409
    again = client.get(f"{RUNS}/{ended}").json()
    assert {**again, "age_seconds": 0} == {**whole, "age_seconds": 0}
    assert client.get(f"{RUNS}/{ended}/checkpoints/5024/file").content == b"weights"
    assert client.get(f"/api/v1/studies/{study}").json()["progress"]["runs"] == 2


def test_many_are_deleted_and_restored_by_one_request(client, engine, outbox, ended):
    going = new_run(engine, outbox)

    def bulk(action: str, *ids: str) -> dict:
        return client.post(f"{RUNS}/bulk", json={"runs": ids, "action": action}).json()

    deleted = bulk("delete", ended, going)
    assert (deleted["changed"], deleted["refused"], deleted["deleted"]) == (1, 1, [ended])
    assert bulk("delete", ended)["unchanged"] == 1
    assert bulk("restore", ended, going)["results"] == [
        {"id": ended, "result": "changed", "detail": ""},
        {"id": going, "result": "unchanged", "detail": f"Run {going} is not deleted."},
    ]
    matching = client.post(f"{RUNS}/bulk/matching?tag={TAG}", json={"action": "delete"}).json()
    assert matching["deleted"] == [ended]
    trash = {"deleted": True}
    restored = client.post(f"{RUNS}/bulk/matching", params=trash, json={"action": "restore"})
    assert restored.json()["changed"] == 1
    assert bulk("purge", ended)["changed"] == 1
    assert client.get(f"{RUNS}/{ended}").status_code == 404


def test_rows_and_files_go_when_the_time_is_up_and_not_before(
    client, engine, outbox, settings, ended
):
    folder = settings.data_dir / "checkpoints" / ended
    log = log_folder(settings.data_dir) / f"{ended}.log"
    assert delete(client, ended) == 204

    sweep(engine, outbox, settings)
    assert (rows(engine, ended), folder.exists(), log.exists()) == (2, True, True)

    let_time_pass(engine, ended)
    sweep(engine, outbox, settings)
    assert (rows(engine, ended), folder.exists(), log.exists()) == (0, False, False)
    assert client.get(f"{RUNS}/{ended}").status_code == 404
    assert restore(client, ended) == 404
    events = client.get("/api/v1/audit").json()["events"]
    assert [one["what"] for one in events[:2]] == ["deleted a run for good", "deleted a run"]
    assert events[0]["about"] == f"{NAME} ({ended})"


def test_a_deleted_run_is_purged_at_once_when_it_is_asked_for(client, engine, ended, settings):
    assert delete(client, ended) == 204
    assert delete(client, ended, now=True) == 204
    assert delete(client, ended, now=True) == 404
    assert not (settings.data_dir / "checkpoints" / ended).exists()


def test_without_grace_a_run_goes_at_once(engine, outbox, settings, ended):
    how = Disposal(settings.checkpoint_url, timedelta(0))
    request = BulkRequest(runs=[ended], action="delete")
    with transaction(engine, outbox) as session:
        result = bulk.act(session, request, how)

    assert (result.changed, result.deleted) == (1, []), "nothing can be undone"
    assert rows(engine, ended) == 0
    assert not (settings.data_dir / "checkpoints" / ended).exists()


def test_nobody_waits_for_the_deleters_when_no_time_is_up(engine, outbox, settings, ended):
    """A backup has their lock for as long as it takes."""
    with ThreadPoolExecutor() as other, session_scope(engine) as session:
        lock_deleting(session)
        sweep = partial(purge_overdue, partial(transaction, engine, outbox))
        other.submit(sweep, settings.checkpoint_url).result(5)


def test_one_that_is_restored_at_that_moment_is_not_purged(client, engine, outbox, settings, ended):
    delete(client, ended)
    let_time_pass(engine, ended)
    with collision(engine) as meet:
        with session_scope(engine) as session:
            statement = select(Run).where(Run.id == ended).with_for_update()
            session.scalars(statement, execution_options=INCLUDING_DELETED).one()
            restored = meet.begin(lambda: restore(client, ended))
            swept = meet.begin(lambda: sweep(engine, outbox, settings))
        assert restored.result(10) == 200
        swept.result(10)

    assert client.get(f"{RUNS}/{ended}").status_code == 200
    assert rows(engine, ended) == 2


def test_no_worker_takes_a_question_about_a_deleted_run(client, engine, ended):
    request = {"kind": "exhaustive", "run": ended, "checkpoints": [5024]}
    asked = client.post("/api/v1/analyses", json=request).json()["id"]

    def next_one() -> str | None:
        with session_scope(engine) as session:
            found = analyses.next_waiting(session)
            assert len(analyses.waiting(session, seconds=0, limit=9)) == (found is not None)
            return found and found.id

    assert next_one() == asked
    delete(client, ended)
    assert next_one() is None
    assert client.get(f"/api/v1/analyses/{asked}").status_code == 404
    restore(client, ended)
    assert next_one() == asked


def test_what_protects_runs_counts_the_deleted(client, engine, outbox, settings, ended):
    fork = client.post(f"{RUNS}/{ended}/fork", json=FORK).json()["id"]
    moved(engine, outbox, fork, RunState.CANCELLED)
    delete(client, fork)
    assert client.get(f"{RUNS}/{ended}").json()["lineage"]["forks"] == []

    # Neither thinning nor the purge of its parent takes what it needs to be restored.
    with session_scope(engine) as session:
        assert kept.needed_by_others(session, ended) == {5024}
    client.patch(f"{RUNS}/{ended}", json={"name": "Parent"})
    assert delete(client, ended, now=True) == 204
    assert restore(client, fork) == 200
    read = client.get(f"{RUNS}/{fork}").json()["lineage"]["parent"]
    assert (read["id"], read["name"]) == (None, "Parent")
    assert client.get(f"{RUNS}/{fork}/checkpoints/5024/file").content == b"weights"


def test_files_of_a_deleted_run_stay_when_its_fork_is_purged(client, engine, outbox, ended):
    fork = client.post(f"{RUNS}/{ended}/fork", json=FORK).json()["id"]
    moved(engine, outbox, fork, RunState.CANCELLED)
    delete(client, ended)
    assert delete(client, fork, now=True) == 204

    assert restore(client, ended) == 200
    assert client.get(f"{RUNS}/{ended}/checkpoints/5024/file").content == b"weights"


def test_a_study_is_compared_without_its_deleted_runs(client, engine, ended, study):
    delete(client, ended)

    with session_scope(engine) as session:
        (other,) = studies.run_ids_of_study(session, study)
    assert other != ended


def test_a_purge_asks_again_who_takes_layers(client, engine, outbox, settings, ended):
    """A run that takes layers can be restored, or launched, after its donor was hidden."""
    clamp = {"kind": "graft_in", "site": "L0.resid", "checkpoint": f"{ended}@5024"}
    config = {"model": SMALL.model_dump(mode="json")["model"], "program": [clamp]}
    taker = client.post(RUNS, json={"config": config}).json()["id"]
    assert delete(client, ended) == 409
    with session_scope(engine) as session:  # as if it had been hidden in spite of that
        now = {"deleted_at": Run.created_at, "kept_until": Run.created_at}
        session.execute(update(Run).where(Run.id == ended).values(now))

    sweep(engine, outbox, settings)
    assert rows(engine, ended) == 2
    assert client.post(RUNS, json={"config": config}).status_code == 422

    client.post(f"{RUNS}/{taker}/cancel")
    sweep(engine, outbox, settings)
    assert rows(engine, ended) == 0


@pytest.mark.parametrize(
    ("statement", "forgets"),
    [
        ("SELECT run.id FROM run WHERE run.deleted_at IS NULL", False),
        ("SELECT run.id FROM run", True),
        ("SELECT a.id FROM a, run", True),
        (
            "SELECT 1 FROM a JOIN run ON run.id = a.id JOIN run AS r ON r.deleted_at IS NULL",
            True,
        ),
        ("SELECT run_event.id FROM run_event JOIN run_other ON true", False),
    ],
)
def test_a_statement_that_forgets_the_deleted_is_found(statement, forgets):
    assert forgets_the_deleted(statement) is forgets
