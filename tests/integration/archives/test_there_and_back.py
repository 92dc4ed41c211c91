"""Runs and studies as one file: the same elsewhere, once, as a whole or not at all."""

import hashlib
import io
import json
import zipfile

import pytest
from sqlalchemy import text

from app.db import recording
from app.db.claims import Claim
from app.db.engine import session_scope
from app.schemas.state import RunState
from tests.integration.archives.elsewhere import (
    API,
    archive_of,
    counts,
    everything,
    fill,
    stored,
)
from tests.integration.archives.harmed import edited
from tests.integration.support.rows import (
    SMALL,
    new_run,
)


def test_a_study_is_the_same_elsewhere_and_comes_once(client, engine, study_id, there):
    content = archive_of(client, f"studies/{study_id}/archive.zip")

    said = there.bring(content).json()

    assert everything(there.engine) == everything(engine)
    assert min(counts(engine).values()) > 0
    assert [one["is_new"] for one in said["runs"] + said["studies"]] == [True] * 3
    listed = there.client.get(f"{API}/runs", params={"study": study_id}).json()["runs"]
    for run in listed:
        checkpoints = there.client.get(f"{API}/runs/{run['id']}/checkpoints").json()["checkpoints"]
        assert len(checkpoints) == 2
        for one in checkpoints:
            weights = there.client.get(one["url"]).content
            assert hashlib.sha256(weights).hexdigest() == one["sha256"]
    first = listed[-1]["id"]
    assert there.client.get(f"{API}/runs/{first}/log").json()["lines"] == ["began", "ended"]
    # Once more: here already, and nothing twice.
    again = there.bring(content).json()
    assert [one["is_new"] for one in again["runs"] + again["studies"]] == [False] * 3
    assert everything(there.engine) == everything(engine)
    assert archive_of(there.client, f"studies/{study_id}/archive.zip") == content


def test_a_fork_finds_its_parent_and_shares_its_files(client, engine, run_id, there):
    asked = {"sequences": 64, "optimiser": "reset", "learning_rate": 0.001}
    fork = client.post(f"{API}/runs/{run_id}/fork", json=asked).json()["id"]
    client.post(f"{API}/runs/{fork}/cancel")

    content = archive_of(client, f"archive.zip?runs={fork},{run_id}")
    assert archive_of(client, f"archive.zip?run={fork}&run={run_id}") == content

    there.bring(content)

    assert everything(there.engine) == everything(engine)
    assert len([path for path in there.files if path.is_file()]) == 2


def test_a_fork_alone_keeps_its_parents_name(client, run_id, there):
    asked = {"sequences": 64, "optimiser": "reset", "learning_rate": 0.001}
    fork = client.post(f"{API}/runs/{run_id}/fork", json=asked).json()["id"]
    client.post(f"{API}/runs/{fork}/cancel")

    there.bring(archive_of(client, f"runs/{fork}/archive.zip"))

    lineage = there.client.get(f"{API}/runs/{fork}").json()["lineage"]
    assert (lineage["parent"]["name"], lineage["parent"]["id"]) == ("Übung =1", None)


def test_a_run_whose_id_is_taken_gets_another_one_and_the_same_again(
    client, engine, run_id, there, outbox, monkeypatch
):
    content = archive_of(client, f"runs/{run_id}/archive.zip")
    monkeypatch.setattr("app.services.runs.creation.new_id", lambda: run_id)
    new_run(there.engine, outbox, SMALL, name="Another")

    [one] = there.bring(content).json()["runs"]
    [again] = there.bring(content).json()["runs"]

    assert (one["was"], one["is_new"], again["is_new"]) == (run_id, True, False)
    assert one["id"] == again["id"] != run_id
    path = "measurements.csv"
    numbers = there.client.get(f"{API}/runs/{one['id']}/{path}").text
    assert numbers == client.get(f"{API}/runs/{run_id}/{path}").text
    assert counts(there.engine)["run"] == 2


def test_a_run_that_trains_is_set_aside_with_where_it_goes_on(
    client, engine, outbox, tmp_path, there
):
    run_id = new_run(engine, outbox, SMALL, name="Half")
    fill(engine, outbox, run_id, tmp_path, RunState.RUNNING)
    with session_scope(engine) as session:
        recording.set_resume_points(session, {Claim(run_id, 3): stored(tmp_path, run_id, 96)})

    [said] = there.bring(archive_of(client, f"runs/{run_id}/archive.zip")).json()["runs"]

    run = there.client.get(f"{API}/runs/{run_id}").json()
    assert (run["state"], "running" in said["note"]) == ("paused", True)
    with there.engine.connect() as connection:
        point = connection.execute(text("SELECT url, sha256 FROM resume_point")).one()
        kind, message = connection.execute(
            text("SELECT kind, message FROM run_event ORDER BY id DESC LIMIT 1")
        ).one()
    assert point.sha256 == stored(tmp_path, run_id, 96).sha256
    assert f"{run_id}/resume-00000000096-3.safetensors" in point.url
    assert (kind, "from 96 sequences" in message) == ("paused", True)
    assert there.client.post(f"{API}/runs/{run_id}/resume").status_code == 202


def test_weights_that_are_lost_are_left_out_and_said(client, engine, run_id, tmp_path, there):
    (tmp_path / run_id / f"{64:011d}-1.safetensors").write_bytes(b"damaged")

    content = archive_of(client, f"runs/{run_id}/archive.zip")

    [said] = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("manifest.json"))["left_out"]
    assert f"{run_id} at 64" in said
    assert there.bring(content).status_code == 200
    saved = there.client.get(f"{API}/runs/{run_id}/checkpoints").json()["checkpoints"]
    assert [one["sequences"] for one in saved] == [0]


def test_what_is_deleted_here_is_not_brought_back_unasked(client, run_id, there):
    content = archive_of(client, f"runs/{run_id}/archive.zip")
    there.bring(content)
    there.client.delete(f"{API}/runs/{run_id}")

    answer = there.bring(content)

    assert (answer.status_code, "restore it" in answer.json()["detail"]) == (409, True)


def test_what_happened_elsewhere_long_ago_is_no_news(client, engine, run_id, there):
    with engine.begin() as connection:
        connection.execute(text("UPDATE run_event SET at = at - interval '3 days'"))
    before = there.client.get(f"{API}/news").json()
    there.bring(archive_of(client, f"runs/{run_id}/archive.zip"))

    after = there.client.get(f"{API}/news", params={"after": before["cursor"]}).json()

    assert after["news"] == []


def test_the_page_says_what_became_of_an_archive(good, there):
    content, run_id = good

    first = there.client.post("/import", files={"archive": ("a.zip", content)})
    again = there.client.post("/import", files={"archive": ("a.zip", content)})
    refused = there.client.post("/import", files={"archive": ("a.zip", b"x" * 2_000_000)})

    assert "1 of 1 imported" in first.text
    assert f'href="/runs/{run_id}"' in first.text
    assert "was here already" in again.text
    assert (refused.status_code, "no zip file" in refused.text) == (422, True)


@pytest.mark.parametrize("changed", [{"axes": [{"x": 1}]}, {"request": {"base": 5}}])
def test_a_study_that_no_page_could_show_is_refused(client, study_id, there, changed):
    name = f"studies/{study_id}.json"
    content = archive_of(client, f"studies/{study_id}/archive.zip")

    answer = there.bring(edited(content, name, **changed))

    assert (answer.status_code, name in answer.json()["detail"]) == (422, True)


def test_an_answer_to_what_cannot_be_asked_is_refused(client, study_id, there):
    content = archive_of(client, f"studies/{study_id}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        runs = [name for name in archive.namelist() if name.endswith("run.json")]
        [name] = [one for one in runs if json.loads(archive.read(one))["analyses"]]
        asked = json.loads(archive.read(name))["analyses"]
    asked[0]["request"] = {"kind": "nothing"}

    answer = there.bring(edited(content, name, analyses=asked))

    assert (answer.status_code, "cannot be" in answer.json()["detail"]) == (422, True)
