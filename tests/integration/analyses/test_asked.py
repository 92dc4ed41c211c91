"""What can be asked of a run, and when it is answered."""

import json

import pytest

from app.db import runs, workers
from app.db.engine import session_scope
from app.db.models import Checkpoint
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import request_cancel
from app.services.runs.outbox import transaction
from tests.integration.analyses.asking import API, CONFIG, asked


def test_one_whose_run_was_not_trained_to_its_end_fails_with_a_sentence(
    api, engine, outbox, worker
):
    with transaction(engine, outbox) as session:
        other = create_run(session, CONFIG).id
    request = {"kind": "exhaustive", "run": other, "after_training": True}
    analysis_id, again = (api.post(API, json=request).json()["id"] for _ in range(2))
    assert again == analysis_id
    assert not worker.attend_one(), "it waits for the run, not for a worker"
    assert "waits until its run is trained" in api.get(f"/analyses/{analysis_id}").text
    refused = api.post(API, json={**request, "kind": "wiring", "later": 4})
    assert refused.status_code == 422, "what no training can answer is not awaited"

    with transaction(engine, outbox) as session:
        request_cancel(session, runs.run_by_id(session, other))
    assert not worker.attend_one()

    read = api.get(f"{API}/{analysis_id}").json()
    assert (read["state"], read["done"], read["total"]) == ("failed", 0, 0)
    assert read["error_message"] == (
        f"Its run was awaited, and cannot answer: run {other} is cancelled. Ask again for what it "
        "has."
    )
    assert api.delete(f"/api/v1/runs/{other}").status_code == 204


def test_a_question_that_was_asked_before_has_its_answer(api, run_id, worker):
    request = {"kind": "exhaustive", "run": run_id, "checkpoints": [0]}
    first = api.post(API, json=request)
    again = api.post(API, json=request)
    dry = api.post(API, json=request, params={"dry_run": True}).json()

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"] == dry["existing"]
    assert (dry["parts"], dry["cells"]) == (1, ["none"])
    asked(api, run_id, "exhaustive", checkpoints=[0, 5024])
    listed = api.get(API, params={"run": run_id, "limit": 1}).json()
    older = api.get(API, params={"run": run_id, "limit": 1, "cursor": listed["next_cursor"]}).json()
    assert older["analyses"][0]["id"] == first.json()["id"]
    assert [worker.attend_one() for _ in range(3)] == [True, True, False], "nothing waits any more"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"checkpoints": [17]}, "There is no checkpoint at 17 sequences; the nearest is at 0."),
        ({"kind": "ablation_grid", "layer": 5}, "layer 5: the model has layers 0 to 1"),
        ({"kind": "ablation_grid", "preserve": "values"}, "there is nothing to preserve"),
        ({"kind": "ablation_grid", "sets": [[7]]}, "head 7: the model has heads 0 to 2"),
        ({"kind": "wiring", "later": 4}, "layer 4"),
        ({"kind": "perfected", "programs": {}}, "at least 1 item"),
        (
            {"kind": "perfected", "programs": {"a": [{"kind": "ablate", "site": "L7.v"}]}},
            "the model has layers 0 to 1",
        ),
        ({"kind": "guess"}, "kind must be one of exhaustive"),
        ({"run": "0000000000"}, "There is no run"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_one_sentence(api, run_id, request_, said):
    answer = api.post(API, json={"kind": "exhaustive", "run": run_id, **request_})

    assert answer.status_code in (404, 422)
    assert said in answer.json()["detail"]


def test_analyses_go_with_their_run(api, run_id, engine, session_settings, session_outbox, worker):
    with transaction(engine, session_outbox) as session:
        other = create_run(session, CONFIG).id
        session.add(
            Checkpoint(run_id=other, sequences=0, attempt=1, url="file:///no", size=1, sha256="00")
        )
    with transaction(engine, session_outbox) as session:
        request_cancel(session, runs.run_by_id(session, other))
    analysis_id = asked(api, other, "exhaustive")

    assert api.delete(f"/api/v1/runs/{other}").status_code == 204
    assert api.get(f"{API}/{analysis_id}").status_code == 404
    assert not worker.attend_one()


@pytest.mark.parametrize(
    "settings",
    [
        {"under_clamps": 0},
        {"checkpoints": [True]},
        {"kind": "ablation_grid", "layer": False},
        {"kind": "perfected", "programs": {"\ud800": []}},
        {"kind": "perfected", "programs": {"a\0": []}},
    ],
    ids=ascii,
)
def test_what_json_does_not_mean_is_refused(api, run_id, settings):
    body = json.dumps({"kind": "exhaustive", "run": run_id, **settings})
    sent = {"Content-Type": "application/json"}

    assert api.post(API, content=body, headers=sent, params={"dry_run": True}).status_code == 422


def test_cores_are_shared_with_workers_of_the_machine_that_are_busy(api, engine, outbox):
    def count() -> int:
        with session_scope(engine) as session:
            return workers.busy_beside(session, "one@here")

    for name, host in (("one@here", "here"), ("two@here", "here"), ("three@there", "there")):
        described = workers.Description(name, host, 1, "cpu", 2, 10**9, 10**9, "2.13")
        with session_scope(engine) as session:
            workers.report(session, described)
    assert count() == 0, "nobody does anything"
    with transaction(engine, outbox) as session:
        made = create_run(session, CONFIG)
        made.worker, made.state = "three@there", "running"
        own = create_run(session, CONFIG)
        own.worker, own.state = "one@here", "running"
    assert count() == 0, "another machine, and itself"

    with transaction(engine, outbox) as session:
        runs.run_by_id(session, made.id).worker = "two@here"
    assert count() == 1

    with transaction(engine, outbox) as session:
        for run in (made, own):
            session.delete(runs.run_by_id(session, run.id))
    assert count() == 0
