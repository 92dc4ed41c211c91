"""REST: launching, listing, cancelling, pausing and deleting studies."""

import sys
import time

import pytest
from sqlalchemy import select

from app.db.engine import session_scope
from app.db.models import Run, Study, StudyRunRow
from app.db.recording import StoredFile
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.rows import add, add_checkpoint, change, measurement, moved, new_run
from tests.paper_runs import every_run

STUDIES, RUNS = "/api/v1/studies", "/api/v1/runs"
SHORT = {"training": {"sequences": 640}}
SEEDS = {"field": "seeds.initial", "values": [5, 6, 7]}
CLAMPS = {"field": "program", "values": [[], {"preset": "match"}]}
GRAFT = {"kind": "graft_in", "site": "L0.resid", "checkpoint": "abc@5000"}
ENDED = (RunState.STARTING, RunState.RUNNING, RunState.FINISHED)


def launched(client, **request) -> dict:
    answer = client.post(STUDIES, json=request)
    assert answer.status_code == 202, answer.text
    return answer.json()


def finished_run(engine, outbox, **changes) -> str:
    run_id = new_run(engine, outbox, RunConfig.model_validate(changes))
    moved(engine, outbox, run_id, *ENDED)
    return run_id


def test_a_study_is_every_combination_of_its_axes_as_queued_runs(client, outbox):
    answer = client.post(STUDIES, json={"base": SHORT, "axes": [CLAMPS, SEEDS], "tags": ["x"]})

    assert answer.status_code == 202
    study = answer.json()
    assert answer.headers["Location"] == f"{STUDIES}/{study['id']}"
    assert study == client.get(answer.headers["Location"]).json()
    assert study["name"] == "6 runs by clamps, initial weights"
    assert [axis["labels"] for axis in study["axes"]] == [
        ["unclamped", "Match fixed"],
        ["5", "6", "7"],
    ]
    assert [run["name"] for run in study["runs"]][2:4] == [
        "Unclamped, initial weights seed 7",
        "Match fixed, initial weights seed 5",
    ]
    assert {run["state"] for run in study["runs"]} == {"queued"}
    assert study["progress"]["by_state"] == {"queued": 6}
    assert study["progress"]["total_sequences"] == 6 * 640
    assert outbox.waiting() == 6
    fourth = client.get(f"{RUNS}/{study['runs'][3]['id']}").json()
    assert (fourth["name"], fourth["tags"]) == ("Match fixed, initial weights seed 5", ["x"])
    assert len(fourth["description"]) == 2


def test_a_dry_run_launches_nothing_and_says_which_runs_there_would_be(client, engine, outbox):
    kept = finished_run(engine, outbox, **SHORT, seeds={"initial": 6})
    request = {"base": SHORT, "axes": [{**SEEDS, "values": [5, 6, 6, 7]}]}

    answer = client.post(f"{STUDIES}?dry_run=true", json=request)

    assert answer.status_code == 200
    body = answer.json()
    assert [run["reuses"] for run in body["runs"]] == [None, kept, None]
    name = "Initial weights seed 6"
    assert body["duplicates"] == [{"name": name, "same_as": name}]
    estimate = body["estimate"]
    assert (estimate["new_runs"], estimate["reused_runs"], estimate["sequences"]) == (2, 1, 1280)
    assert estimate["seconds"] == pytest.approx(1280 / 22_000)
    assert client.get(STUDIES).json()["studies"] == []
    assert len(client.get(RUNS).json()["runs"]) == 1


def test_finished_runs_of_equal_config_join_unless_that_is_not_wanted(client, engine, outbox):
    finished_run(engine, outbox, **SHORT)
    latest = finished_run(engine, outbox, **SHORT)
    change(engine, finished_run(engine, outbox, **SHORT), forked_at=320)  # another history
    new_run(engine, outbox, RunConfig.model_validate({**SHORT, "seeds": {"initial": 6}}))
    request = {"base": SHORT, "axes": [SEEDS]}

    joined, apart = launched(client, **request), launched(client, **request, reuse_finished=False)

    assert [run["is_reused"] for run in joined["runs"]] == [True, False, False]
    assert joined["runs"][0]["id"] == latest
    assert joined["progress"]["by_state"] == {"queued": 2, "finished": 1}
    assert not any(run["is_reused"] for run in apart["runs"])
    held = {run["id"] for run in joined["runs"]} & {run["id"] for run in apart["runs"]}
    assert held == set()


def test_the_same_key_and_request_are_one_study(client):
    request = {"base": SHORT, "axes": [SEEDS]}
    key = {"Idempotency-Key": "s1"}

    first, again = (client.post(STUDIES, json=request, headers=key).json() for _ in range(2))
    other = client.post(STUDIES, json={"base": SHORT}, headers=key)
    as_run = client.post(RUNS, json={}, headers=key)

    assert first == again
    assert len(client.get(RUNS).json()["runs"]) == 3
    for refused in (other, as_run):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["loc"] == "header/Idempotency-Key"


@pytest.mark.parametrize(
    ("request_", "loc", "message"),
    [
        (
            {"axes": [SEEDS, {"field": "task.labels", "values": [5, 2]}]},
            "/axes/1/values/1",
            "Initial weights seed 5, labels 2: task: 2 labels in context need more than 2 labels",
        ),
        (
            {"axes": [{"field": "program", "values": [[{"kind": "ablate", "site": "L5H0.v"}]]}]},
            "/axes/0/values/0",
            "L5H0.v: the model has layers 0 to 1",
        ),
        ({"axes": [{"field": "training.size", "values": [1]}]}, "/axes/0/field", "no field of a"),
        (
            {"axes": [{"field": "training.sequences", "values": ["many"]}]},
            "/axes/0/values/0",
            "training.sequences: Write a whole number.",
        ),
        ({"runs": [{"changes": {"modle": {}}}]}, "/runs/0/changes", "'modle' means nothing here"),
        ({"base": {"model": {"width": 65}}}, "/base/model", "not a multiple of 8 heads"),
        ({"axes": [{"field": "program", "values": []}]}, "/axes/0/values", "at least 1 item"),
        (
            {"runs": [{"changes": {"program": [GRAFT]}}]},
            "/runs/0/changes",
            "there is no run 'abc' to graft from",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_place_and_nothing_is_launched(
    client, request_, loc, message
):
    answer = client.post(STUDIES, json=request_)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["loc"] == loc
    assert message in answer.json()["detail"]
    assert client.get(RUNS).json()["runs"] == []


def test_progress_adds_up_and_says_how_long_yet(client, engine, outbox):
    study = launched(client, base=SHORT, axes=[SEEDS])
    first, second, third = (run["id"] for run in study["runs"])
    moved(engine, outbox, first, RunState.CANCELLED)  # of which nothing more is to come
    change(engine, first, sequences=320)
    moved(engine, outbox, second, RunState.STARTING, RunState.RUNNING)
    change(engine, second, sequences=320, sequences_per_second=100.0)

    progress = client.get(f"{STUDIES}/{study['id']}").json()["progress"]

    assert progress["by_state"] == {"queued": 1, "running": 1, "cancelled": 1}
    assert (progress["state"], progress["is_over"]) == ("running", False)
    assert (progress["sequences"], progress["total_sequences"]) == (640, 1920)
    assert progress["progress"] == pytest.approx(1 / 3)
    assert progress["seconds_left"] == pytest.approx(9.6)
    moved(engine, outbox, second, RunState.FAILED)
    moved(engine, outbox, third, RunState.CANCELLED)
    over = client.get(f"{STUDIES}/{study['id']}").json()["progress"]
    assert (over["state"], over["is_over"], over["seconds_left"]) == ("failed", True, None)


@pytest.mark.parametrize(("runs", "seconds"), [(8, 8 * 640 / 400), (2, 2 * 640 / 200)])
def test_a_study_takes_as_long_as_runs_that_share_a_trainer(client, engine, outbox, runs, seconds):
    run_id = new_run(engine, outbox, RunConfig.model_validate(SHORT))
    change(engine, run_id, sequences=600_000, sequences_per_second=100.0, companions=3)

    request = {"base": SHORT, "axes": [SEEDS | {"values": list(range(runs))}]}
    estimate = client.post(f"{STUDIES}?dry_run=true", json=request).json()["estimate"]

    assert estimate["seconds"] == pytest.approx(seconds)


def test_cancel_pause_and_resume_are_those_of_all_runs_that_go_on(client, engine, outbox):
    study = launched(client, base=SHORT, axes=[SEEDS])
    url = f"{STUDIES}/{study['id']}"
    first, second, _ = (run["id"] for run in study["runs"])
    moved(engine, outbox, first, *ENDED)
    moved(engine, outbox, second, RunState.STARTING, RunState.RUNNING)

    def after(verb: str) -> dict:
        answers = [client.post(f"{url}/{verb}") for _ in range(2)]  # asking again changes nothing
        assert [answer.status_code for answer in answers] == [202, 202]
        return answers[-1].json()["progress"]["by_state"]

    assert after("pause") == {"pausing": 1, "paused": 1, "finished": 1}
    assert after("resume") == {"queued": 1, "running": 1, "finished": 1}
    assert after("cancel") == {"stopping": 1, "finished": 1, "cancelled": 1}
    moved(engine, outbox, second, RunState.CANCELLED)
    assert after("cancel") == {"finished": 1, "cancelled": 2}
    refused = client.post(f"{url}/pause")
    assert refused.status_code == 409
    assert "nothing to pause" in refused.json()["detail"]


def test_runs_can_be_listed_by_study(client, engine, outbox):
    study = launched(client, base=SHORT, axes=[SEEDS])
    new_run(engine, outbox)

    listed = client.get(RUNS, params={"study": study["id"], "limit": 2, "sort": "name"}).json()

    assert [run["id"] for run in listed["runs"]] == [run["id"] for run in study["runs"][:2]]
    assert listed["next_cursor"]
    assert client.get(RUNS, params={"study": "none"}).status_code == 404


def test_studies_are_listed_the_newest_first_page_by_page(client):
    names = [launched(client, name=f"study {n}", base=SHORT)["name"] for n in range(5)]

    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(STUDIES, params=query).json()
        seen += [study["name"] for study in page["studies"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == names[::-1]
    refused = client.get(STUDIES, params={"cursor": "nonsense"})
    assert refused.json()["errors"][0]["loc"] == "query/cursor"


def test_a_study_can_be_renamed_and_launched_again_from_its_request(client):
    study = launched(client, base=SHORT, axes=[CLAMPS], notes="why")
    url = f"{STUDIES}/{study['id']}"

    changed = client.patch(url, json={"name": "Clamps", "tags": ["a", "a"]}).json()
    again = launched(client, **client.get(f"{url}/request").json())

    assert (changed["name"], changed["tags"], changed["notes"]) == ("Clamps", ["a"], "why")
    assert [run["name"] for run in again["runs"]] == [run["name"] for run in study["runs"]]
    assert client.patch(url, json={"name": " "}).status_code == 422


def test_deleting_a_study_keeps_its_runs_unless_they_are_to_go(client, engine, outbox):
    kept = finished_run(engine, outbox, **SHORT)
    request = {"base": SHORT, "axes": [SEEDS]}
    study, other = launched(client, **request), None
    url = f"{STUDIES}/{study['id']}"
    refused = client.delete(url, params={"runs": True})
    assert refused.status_code == 409
    assert "2 of the runs" in refused.json()["detail"]
    _, second, third = (run["id"] for run in study["runs"])
    moved(engine, outbox, second, *ENDED)
    moved(engine, outbox, third, *ENDED)
    other = launched(client, base=SHORT, axes=[{**SEEDS, "values": [7]}])

    assert client.delete(url, params={"runs": True}).status_code == 204

    assert client.get(url).status_code == 404
    assert client.get(f"{RUNS}/{second}").status_code == 410
    for run_id in (kept, third):  # older than the study, and held by another
        assert client.get(f"{RUNS}/{run_id}").status_code == 200
    assert client.delete(f"{STUDIES}/{other['id']}").status_code == 204
    assert client.get(f"{RUNS}/{third}").status_code == 200
    with session_scope(engine) as session:
        assert (
            session.scalars(select(StudyRunRow)).all() == session.scalars(select(Study)).all() == []
        )


def test_a_deleted_run_leaves_its_study(client, engine, outbox):
    study = launched(client, base=SHORT, axes=[SEEDS])
    first = study["runs"][0]["id"]
    moved(engine, outbox, first, RunState.CANCELLED)

    assert client.delete(f"{RUNS}/{first}").status_code == 204

    left = client.get(f"{STUDIES}/{study['id']}").json()
    assert [run["values"]["seeds.initial"] for run in left["runs"]] == ["6", "7"]
    assert left["progress"]["runs"] == 2
    assert client.get(f"{STUDIES}/{study['id']}/figure").status_code == 200


def test_the_figure_of_a_study_holds_the_curves_of_its_runs(client, engine):
    small = {"model": {"heads": 2, "width": 16}}
    study = launched(client, base=small, axes=[SEEDS], priority=3)
    url = f"{STUDIES}/{study['id']}/figure"
    for number, run in enumerate(study["runs"][:2]):
        add(engine, run["id"], measurement(0), measurement(5024, loss=0.1 * number, strength=0.5))

    apart = client.get(url, params={"group": "each"}).json()["data"]
    assert [(trace["x"], trace["y"]) for trace in apart] == [
        ([0, 5024], [0.7, 0]),
        ([0, 5024], [0.7, 0.1]),
    ]
    [mean] = [t for t in client.get(url).json()["data"] if t["name"].startswith("mean")]
    assert mean["y"] == [0.7, 0.05]
    strongest = client.get(url, params={"group": "each", "metric": "strongest_induction"}).json()
    assert strongest["data"][0]["y"] == [0.13, 0.53]
    panels = client.get(url, params={"group": "seeds.initial", "view": "panels"}).json()
    assert panels["layout"]["meta"]["height"] > 0
    with session_scope(engine) as session:
        assert {run.priority for run in session.scalars(select(Run))} == {3}
    for query in ({"metric": "lost"}, {"group": "task.labels"}, {"view": "cube"}):
        answer = client.get(url, params=query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == f"query/{next(iter(query))}"


def test_every_run_of_the_paper_can_be_launched_in_one_request(client, engine, outbox, capsys):
    donors = []
    for seed in (5, 6, 7):
        donor = new_run(engine, outbox, RunConfig.model_validate({"seeds": {"initial": seed}}))
        file = StoredFile(1_000_000, "file:///nowhere", 7, "0" * 64)
        add_checkpoint(engine, donor, file)
        donors.append(f"{donor}@1000000")
    runs = every_run(donors)
    assert len(runs) == 99

    begun = time.perf_counter()
    answer = client.post(STUDIES, json={"name": "Everything", "runs": runs})
    seconds = time.perf_counter() - begun

    assert answer.status_code == 202, answer.text
    assert len(answer.json()["runs"]) == 97  # two main runs belong to two figures
    assert outbox.waiting() == 97 + 3
    with capsys.disabled():
        sys.stdout.write(f"\n99 runs accepted in {seconds:.2f} s\n")
