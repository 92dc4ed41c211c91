"""Grafts: layers from another run's checkpoint, refused where they cannot go and trained by a real
worker where they can."""

import pytest

from app.db.recording import StoredFile
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.recorded import numbers, state
from tests.integration.support.rows import add_checkpoint, moved, new_run
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


def test_a_grafted_run_is_trained_with_its_donors_layers(settings, engine, outbox):
    """With the donor's initial layer 1 in its own place nothing is different, until it trains:
    then the graft stays as it is."""
    worker = WorkerProcess(settings, lease_seconds=2)
    worker.start()
    try:
        donor = new_run(engine, outbox, SHORT)
        worker.until(lambda: state(engine, donor) == "finished", "donor")
        clamps = [graft(f"{donor}@0"), graft(f"{donor}@0", "graft_out", "L1.resid")]
        runs = [new_run(engine, outbox, with_program(clamp)) for clamp in clamps]
        for run_id in runs:
            worker.until(lambda run_id=run_id: state(engine, run_id) == "finished", "grafted run")
    finally:
        worker.kill()

    whole, *grafted = (numbers(engine, run_id) for run_id in (donor, *runs))
    for rows in grafted:
        assert rows[0] == whole[0]
        assert rows[-1] != whole[-1]


def with_program(clamp: dict) -> RunConfig:
    return RunConfig.model_validate(SHORT.model_dump(mode="json") | {"program": [clamp]})
