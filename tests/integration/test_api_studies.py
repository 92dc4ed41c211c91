"""REST: launching, listing, cancelling, pausing and deleting studies."""

import time

from app.db.recording import StoredFile
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.rows import add_checkpoint, moved, new_run
from tests.paper_runs import every_run

STUDIES, RUNS = "/api/v1/studies", "/api/v1/runs"
SHORT = {"training": {"sequences": 640}}
SEEDS = {"field": "seeds.initial", "values": [5, 6, 7]}
CLAMPS = {"field": "program", "values": [[], {"preset": "match"}]}
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
        print(f"\n99 runs accepted in {seconds:.2f} s")  # noqa: T201 (what the test measures)
