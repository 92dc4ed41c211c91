"""Grafts: layers from another run's checkpoint, refused where they cannot go and trained by a real
worker where they can."""

import pytest
from sqlalchemy import text

from app.db import runs, waiting
from app.db.engine import session_scope
from app.db.models import Run
from app.db.recording import StoredFile
from app.schemas.state import RunState
from app.services.runs.grafts import will_save
from tests.integration.support.recorded import events, numbers, state
from tests.integration.support.rows import add_checkpoint, moved, new_run
from tests.integration.support.wait import sweep
from tests.integration.support.worker_process import WorkerProcess, tiny

RUNS = "/api/v1/runs"
SMALL = {"heads": 2, "width": 16}
SHORT = tiny(training={"sequences": 1000})


@pytest.fixture
def donor(engine, outbox) -> str:
    """A finished run with a checkpoint at 5,024 sequences."""
    run_id = new_run(engine, outbox, name="Donor")
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    add_checkpoint(engine, run_id, StoredFile(5024, "file:///nowhere", 7, "0" * 64))
    return run_id


def graft(checkpoint: str, kind: str = "graft_in", site: str = "L0.resid") -> dict:
    return {"kind": kind, "site": site, "checkpoint": checkpoint}


def launch(client, *clamps: dict, dry_run: bool = False, **config):
    content = {"model": SMALL, **config, "program": list(clamps)}
    return client.post(RUNS, json={"config": content}, params={"dry_run": dry_run})


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("clamp", "config", "said"),
    [
        ({"checkpoint": "nobody@5024"}, {}, "there is no run 'nobody' to graft from"),
        ({"checkpoint": "DONOR@5000"}, {}, "no checkpoint at 5,000 sequences; the nearest is at"),
        ({}, {"model": {"heads": 2, "width": 32}}, "its run has width 16, this one 32"),
        ({}, {"task": {"labels": 6}}, "its run has labels 5, this one 6"),
        ({}, {"task": {"context_pairs": 3}}, "its run has context pairs 2, this one 3"),
        ({"site": "L2.resid"}, {"model": SMALL | {"layers": 3}}, "its run has layers 0 to 1"),
        ({"kind": "graft_out"}, {"model": SMALL | {"layers": 3}}, "its run has layers 2, this"),
    ],
)
def test_a_graft_that_cannot_be_is_refused_at_its_clamp(
    client, donor, clamp, config, said, dry_run
):
    wanted = graft(f"{donor}@5024") | clamp
    wanted["checkpoint"] = wanted["checkpoint"].replace("DONOR", donor)

    answer = launch(client, wanted, dry_run=dry_run, **config)

    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert said in str(problem)
    assert "/config/program/0/checkpoint" in str(problem)


def test_the_form_refuses_a_graft_at_its_clamp(client):
    program = '[{"kind": "graft_in", "site": "L0.resid", "checkpoint": "nobody@5"}]'

    answer = client.post("/runs", data={"program": program})

    assert answer.status_code == 422
    assert "there is no run &#39;nobody&#39; to graft from" in answer.text


def test_grafts_of_grafts_are_refused(client, engine, donor):
    grafted = launch(client, graft(f"{donor}@5024")).json()["id"]
    add_checkpoint(engine, grafted, StoredFile(5024, "file:///nowhere", 7, "0" * 64))

    answer = launch(client, graft(f"{grafted}@5024"))

    assert answer.status_code == 422
    assert "grafts of grafts" in str(answer.json())


def test_a_donor_stays_until_the_runs_that_take_layers_from_it_have_ended(client, donor):
    grafted = launch(client, graft(f"{donor}@5024")).json()["id"]

    refused = client.delete(f"{RUNS}/{donor}")
    assert refused.status_code == 409
    assert grafted in refused.json()["detail"]

    assert client.post(f"{RUNS}/{grafted}/cancel").status_code == 202
    assert client.delete(f"{RUNS}/{donor}").status_code == 204


@pytest.mark.slow  # a worker and four trainers start, one after the other
def test_a_run_waits_for_a_donor_that_trains_and_is_then_grafted_by_a_real_worker(
    client, engine, settings
):
    """With the donor's initial layer 1 in its own place nothing is different, until it trains:
    then the graft stays as it is."""

    def launched(*clamps: dict) -> str:
        config = SHORT.model_dump(mode="json") | {"program": list(clamps)}
        answer = client.post(RUNS, json={"config": config, "priority": 9 if clamps else 0})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    donor = launched()
    too_soon = SHORT.model_dump(mode="json") | {"program": [graft(f"{donor}@1000")]}
    refused = client.post(RUNS, json={"config": too_soon})
    assert refused.status_code == 422, "none is due there"
    assert "has no checkpoint at 1,000 sequences; it has saved none yet" in refused.text
    grafted = launched(graft(f"{donor}@1024"))
    said = f"First it waits for what it grafts from, of run {donor} at 1024"
    assert said in events(engine, grafted)[-1][1]
    assert client.delete(f"{RUNS}/{donor}").status_code == 409
    with session_scope(engine) as session:
        first = waiting.next_in_line(session)
        assert first is not None
        assert first.id == donor, "though the other has the higher priority"
        assert waiting.count_companions(session, first) == 0
        assert list(runs.waiting_runs(session, seconds=0, limit=9)) == [donor]

    worker = WorkerProcess(settings)
    worker.start()
    try:
        worker.until(lambda: state(engine, grafted) == "finished", "grafted run")
        initial = (graft(f"{donor}@0"), graft(f"{donor}@0", "graft_out", "L1.resid"))
        same = [launched(clamp) for clamp in initial]
        for run_id in same:
            worker.until(lambda run_id=run_id: state(engine, run_id) == "finished", "grafted run")
    finally:
        worker.kill()

    whole = numbers(engine, donor)
    assert numbers(engine, grafted)[0] != whole[0]
    for run_id in same:
        rows = numbers(engine, run_id)
        assert rows[0] == whole[0]
        assert rows[-1] != whole[-1]


@pytest.mark.parametrize("end", ["cancelled", "deleted"])
def test_a_run_whose_donor_ends_without_its_checkpoint_fails_with_a_sentence(
    client, engine, outbox, end
):
    donor = new_run(engine, outbox, name="Donor")
    grafted = launch(client, graft(f"{donor}@1000000")).json()["id"]
    sweep(engine, outbox)
    assert state(engine, grafted) == "queued"

    client.post(f"{RUNS}/{donor}/cancel")
    if end == "deleted":
        assert client.delete(f"{RUNS}/{donor}").status_code == 409
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM run WHERE id = :id"), {"id": donor})
    sweep(engine, outbox)

    read = client.get(f"{RUNS}/{grafted}").json()
    assert (read["state"], read["error_kind"]) == ("failed", "checkpoint")
    assert read["error_message"] == (
        f"It grafts from run {donor} at 1000000 sequences, which ended without that checkpoint."
    )


@pytest.mark.parametrize("place", [0, 5024, 10_016, 15_008, 16_000])
def test_checkpoints_that_are_due_are_those_that_are_saved(place):
    config = tiny(training={"sequences": 16_000}).model_dump(mode="json")
    run = Run(config=config, state="running", sequences=-1)

    assert will_save(run, place)
    assert not will_save(run, place + 32)
    run.sequences = place
    assert not will_save(run, place), "it has passed by"
