"""Forks: the history that is shared, what is refused, lineage, and files that two runs name."""

import shlex

import pytest
from sqlalchemy import text

from app.db.recording import StoredFile
from app.schemas.state import RunState
from tests.integration.support.html import Document
from tests.integration.support.recorded import places
from tests.integration.support.rows import (
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    change,
    measurement,
    moved,
    new_run,
)

RUNS = "/api/v1/runs"
JSON = {"Content-Type": "application/json"}
PLACES = (0, 5024, 10_016, 15_008)
ABLATE = {"kind": "ablate", "site": "L1H0.v"}


@pytest.fixture
def parent(engine, outbox, settings) -> str:
    """A finished run with measurements, frames, and checkpoint files that hold the optimiser."""
    run_id = new_run(engine, outbox, name="Parent", tags=["fig 3"])
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    add(engine, run_id, *(measurement(place, loss=1 - place / 20_000) for place in PLACES))
    for place in PLACES:
        add_frame(engine, outbox, run_id, place)
        path = settings.data_dir / "checkpoints" / run_id / f"{place:011d}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        file = StoredFile(place, path.as_uri(), 7, "0" * 64, has_optimiser=place > 0)
        add_checkpoint(engine, run_id, file)
    add_probe(engine, run_id)
    change(engine, run_id, sequences=15_008, train_loss=0.25)
    return run_id


def fork(client, parent: str, sequences: int = 10_016, **body):
    return client.post(f"{RUNS}/{parent}/fork", json={"sequences": sequences, **body})


def forked(client, parent: str, sequences: int = 10_016, **body) -> str:
    answer = fork(client, parent, sequences, **body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def ended(client, run_id: str) -> str:
    assert client.post(f"{RUNS}/{run_id}/cancel").status_code == 202
    return run_id


def files(settings, run_id: str) -> list[int]:
    """Where a run's folder holds checkpoint files."""
    folder = settings.data_dir / "checkpoints" / run_id
    return sorted(int(path.stem) for path in folder.glob("*"))


def test_a_fork_is_queued_with_the_history_below_the_fork(client, engine, outbox, parent):
    answer = fork(client, parent, program=[ABLATE], learning_rate=1e-4, data_seed=3, name="Fork")

    assert answer.status_code == 202
    run = answer.json()
    assert answer.headers["Location"] == f"{RUNS}/{run['id']}"
    assert (run["state"], run["name"], run["sequences"]) == ("queued", "Fork", 5024)
    assert run["train_loss"] == pytest.approx(1 - 5024 / 20_000)
    assert places(engine, run["id"]) == places(engine, run["id"], "frame") == [0, 5024]
    assert places(engine, run["id"], "checkpoint") == [0, 5024, 10_016]
    config = client.get(f"{RUNS}/{run['id']}/config").json()
    same = client.get(f"{RUNS}/{parent}/config").json()
    assert [clamp["kind"] for clamp in config.pop("program")] == ["ablate"]
    assert config["training"].pop("learning_rate") == 1e-4
    assert config["seeds"].pop("data") == 3
    del same["program"], same["training"]["learning_rate"], same["seeds"]["data"]
    assert config == same
    assert outbox.waiting() == 2


def test_shared_measurements_and_frames_read_as_the_parents_do(client, parent):
    run_id = forked(client, parent)

    def read(run: str, what: str):
        return client.get(f"{RUNS}/{run}/{what}").json()

    shared, whole = (read(run, "measurements?series=*") for run in (run_id, parent))
    assert shared["sequences"] == [0, 5024]
    for name, numbers in whole["series"].items():
        assert shared["series"][name] == numbers[:2]
    ours, theirs = (read(run, "frames?sequences=5024") for run in (run_id, parent))
    assert ours["patterns"] == theirs["patterns"]
    assert read(run_id, "probe")["sequences"] == read(parent, "probe")["sequences"]


def test_lineage_is_told_on_both_sides_and_follows_a_new_name(client, parent):
    run_id = forked(client, parent, name="Fork", optimiser="reset")

    client.patch(f"{RUNS}/{parent}", json={"name": "Renamed"})

    place = {"sequences": 10_016, "optimiser": "reset"}
    child = client.get(f"{RUNS}/{run_id}").json()["lineage"]
    assert child == {"parent": {"id": parent, "name": "Renamed", **place}, "forks": []}
    fork = {"id": run_id, "name": "Fork", "state": "queued", **place}
    assert client.get(f"{RUNS}/{parent}").json()["lineage"] == {"parent": None, "forks": [fork]}
    listed = {run["id"]: run["lineage"] for run in client.get(RUNS).json()["runs"]}
    assert listed[run_id] == {"parent": child["parent"], "forks": None}


def test_a_fork_claims_no_phase_change_of_its_parent(client, engine, parent):
    change(engine, parent, plateau_start=1000.0, plateau_end=4000.0, onset=4000.0, midpoint=9000.0)

    late = client.get(f"{RUNS}/{forked(client, parent)}").json()["phase_change"]

    assert set(late.values()) == {None}


def test_a_dry_run_counts_from_the_fork_and_makes_nothing(client, parent):
    url = f"{RUNS}/{parent}/fork?dry_run=true"

    answer = client.post(url, json={"sequences": 10_016, "until_sequences": 20_000})

    assert answer.status_code == 200
    body = answer.json()
    assert body["name"] == "Parent, forked at 10,016"
    assert body["estimate"]["seconds"] == pytest.approx((20_000 - 10_016) / 22_000)
    assert body["estimate"]["measurements"] == 3  # 10,016, 15,008 and 20,000
    assert len(client.get(RUNS).json()["runs"]) == 1


def test_equal_configs_with_another_lineage_are_other_experiments(client, parent):
    runs = [
        client.get(f"{RUNS}/{run_id}").json()
        for run_id in (
            parent,
            forked(client, parent),
            forked(client, parent, 5024),
            forked(client, parent, optimiser="reset"),
        )
    ]
    assert len({run["config_hash"] for run in runs}) == 4
    again = client.get(f"{RUNS}/{forked(client, parent)}").json()
    assert again["config_hash"] == runs[1]["config_hash"]


@pytest.mark.parametrize(
    ("body", "loc", "message"),
    [
        ({"sequences": 10_000}, "/sequences", "the nearest are at 5,024 and 10,016"),
        ({"sequences": 20_000}, "/sequences", "the nearest is at 15,008"),
        ({"sequences": 0}, "/optimiser", 'ask for "reset"'),
        ({"sequences": 5024, "until_sequences": 5000}, "/until_sequences", "nothing to train"),
        ({"sequences": 5024, "until_sequences": 0}, "/until_sequences", "greater than or equal"),
        ({"sequences": 5024, "learning_rate": 0}, "/learning_rate", "greater than 0"),
        ({"sequences": 5024, "data_seed": -1}, "/data_seed", "greater than or equal to 0"),
        ({"sequences": 5024, "program": [{"kind": "ablate", "site": "L5H0.v"}]}, "/program/0", "5"),
        ({"sequences": 5024, "optimiser": "lose"}, "/optimiser", "'keep' or 'reset'"),
        ({"sequences": 5024, "model": {}}, "/model", "not permitted"),
    ],
)
def test_what_cannot_be_forked_is_refused_at_its_place(client, parent, body, loc, message):
    answer = client.post(f"{RUNS}/{parent}/fork", json=body)

    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["loc"] == loc
    assert message in error["message"]
    assert len(client.get(RUNS).json()["runs"]) == 1


def test_a_checkpoint_without_its_optimiser_can_be_forked_with_a_new_one(client, parent):
    assert fork(client, parent, 0, optimiser="reset").status_code == 202


def test_a_fork_that_has_not_begun_has_no_reset_optimiser_to_keep(client, parent):
    kept, reset = forked(client, parent), forked(client, parent, optimiser="reset")

    assert fork(client, kept).status_code == 202
    refused = fork(client, reset)
    assert refused.status_code == 422
    assert "holds no optimiser that could be kept" in refused.json()["detail"]
    assert fork(client, reset, 5024).status_code == 202


def test_a_run_without_checkpoints_says_so(client, engine, outbox):
    answer = fork(client, new_run(engine, outbox))

    assert answer.status_code == 422
    assert "it has saved none yet" in answer.json()["detail"]


def test_the_same_key_forks_once_and_another_run_is_another_request(client, engine, outbox, parent):
    def post(run_id: str):
        key = {"Idempotency-Key": "k1"}
        return client.post(f"{RUNS}/{run_id}/fork", json={"sequences": 5024}, headers=key)

    first, again = post(parent), post(parent)
    other = post(first.json()["id"])

    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422
    assert other.json()["errors"][0]["loc"] == "header/Idempotency-Key"


def test_a_fork_can_be_forked_where_it_shares_its_parents_checkpoints(client, engine, parent):
    grandchild = forked(client, forked(client, parent), 5024)

    assert places(engine, grandchild) == [0]
    assert places(engine, grandchild, "checkpoint") == [0, 5024]


def test_shared_files_stay_until_the_last_run_that_names_them_goes(client, settings, parent):
    first, second = forked(client, parent), forked(client, parent, 5024)

    assert client.delete(f"{RUNS}/{parent}", params={"now": True}).status_code == 204
    assert files(settings, parent) == [0, 5024, 10_016]
    lineage = client.get(f"{RUNS}/{first}").json()["lineage"]["parent"]
    assert (lineage["id"], lineage["name"]) == (None, "Parent")
    file = f"{RUNS}/{first}/checkpoints/5024/file"
    assert client.get(file).content == b"weights"

    assert client.delete(f"{RUNS}/{ended(client, first)}", params={"now": True}).status_code == 204
    assert files(settings, parent) == [0, 5024]
    assert client.delete(f"{RUNS}/{ended(client, second)}", params={"now": True}).status_code == 204
    assert not (settings.data_dir / "checkpoints" / parent).exists()


def test_a_deleted_fork_leaves_its_parents_files(client, settings, parent):
    run_id = ended(client, forked(client, parent))

    assert client.delete(f"{RUNS}/{run_id}", params={"now": True}).status_code == 204

    assert files(settings, parent) == list(PLACES)
    assert client.get(f"{RUNS}/{parent}").json()["lineage"]["forks"] == []


def test_the_timeline_says_where_a_fork_comes_from(client, engine, parent):
    run_id = forked(client, parent)

    query = text("SELECT DISTINCT attempt FROM measurement WHERE run_id = :id")
    with engine.connect() as connection:
        assert connection.execute(query, {"id": run_id}).scalars().all() == [0]
    [event] = client.get(f"{RUNS}/{run_id}/timeline").json()["events"]
    assert event["kind"] == "queued"
    assert event["sequences"] == 5024
    assert (
        f"Forked from Parent ({parent}) at 10,016 sequences, its optimiser kept" in event["message"]
    )


def repeated(client, run_id: str) -> dict:
    """The run that the request on a run's page makes."""
    page = Document(client.get(f"/runs/{run_id}").text)
    (said,) = (one.text for one in page.all("pre") if one.text.startswith("curl -X POST"))
    _, _, _, url, *_, body = shlex.split(said)
    answer = client.post(f"/{url.split('/', 3)[3]}", content=body, headers=JSON)
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_page_says_the_request_that_repeats_its_run(client, parent):
    fork_id = forked(client, parent, learning_rate=1e-4, program=[ABLATE])

    for run_id in (parent, fork_id):
        run, again = client.get(f"{RUNS}/{run_id}").json(), repeated(client, run_id)
        assert again["id"] != run_id
        assert again["config_hash"] == run["config_hash"]
        assert again["total_sequences"] == run["total_sequences"]
