"""Data files of users: known by their contents, and looked at before they are trained from."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from app.db.engine import session_scope
from app.db.workers import Description, report
from app.schemas.state import RunState
from app.services.launch.config_form import form_of
from tests.integration.support.html import Document
from tests.integration.support.recorded import events, row, state
from tests.integration.support.rows import change, moved
from tests.integration.support.worker_process import WorkerProcess, tiny

RUNS, STUDIES = "/api/v1/runs", "/api/v1/studies"


def write(path: Path, seed: int, classes: int = 40) -> Path:
    features = np.random.default_rng(seed).normal(size=(classes, 3, 8)).astype(np.float32)
    np.savez(path, features=features)
    return path


@pytest.fixture
def file(tmp_path) -> Path:
    return write(tmp_path / "features.npz", seed=1)


def config(path: Path, **parts) -> dict:
    task = {"dataset": f"file:{path}", "exemplars": 2}
    return tiny(task=task, **parts).model_dump(mode="json")


def launch(client, path: Path, **parts) -> str:
    answer = client.post(RUNS, json={"config": config(path, **parts)})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def finish(engine, outbox, run_id: str) -> None:
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)


def test_a_study_does_not_take_a_finished_run_for_one_from_another_file(
    client, engine, outbox, file
):
    run_id = launch(client, file)
    finish(engine, outbox, run_id)
    study = {"base": config(file), "axes": [], "runs": [{"changes": {}}]}

    def reused() -> list[str | None]:
        answer = client.post(f"{STUDIES}?dry_run=true", json=study)
        assert answer.status_code == 200, answer.text
        return [one["reuses"] for one in answer.json()["runs"]]

    before = reused()
    write(file, seed=2)

    assert before == [run_id]
    assert reused() == [None]


def test_a_paused_run_does_not_go_on_from_another_file(client, engine, outbox, file):
    run_id = launch(client, file)
    client.post(f"{RUNS}/{run_id}/pause")
    content = file.read_bytes()
    write(file, seed=2)

    refused = client.post(f"{RUNS}/{run_id}/resume")
    file.write_bytes(content)
    resumed = client.post(f"{RUNS}/{run_id}/resume")

    assert refused.status_code == 409
    assert "is not the file that this run began with" in refused.json()["detail"]
    assert resumed.status_code == 202
    assert state(engine, run_id) == "queued"


def test_more_seeds_of_a_run_are_not_taken_from_another_file(client, engine, outbox, file):
    run_id = launch(client, file)
    content = file.read_bytes()
    write(file, seed=2)

    refused = client.post(f"/runs/{run_id}/seeds", follow_redirects=False)
    file.write_bytes(content)
    launched = client.post(f"/runs/{run_id}/seeds", follow_redirects=False)

    assert refused.status_code == 422
    assert "is not the file that this run began with" in refused.text
    assert launched.status_code == 303


@pytest.mark.parametrize(("classes", "said"), [(0, "is truncated or no"), (9, "the file has 9")])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_that_cannot_be_trained_from_is_refused_at_the_launch(
    client, tmp_path, classes, said, dry_run
):
    path = tmp_path / "bad.npz"
    path.write_bytes(b"PK\x03\x04 and nothing") if not classes else write(path, 1, classes)

    answer = client.post(RUNS, json={"config": config(path)}, params={"dry_run": dry_run})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["loc"] == "/config/task/dataset"
    assert str(path) in answer.json()["detail"]


def test_a_bad_file_costs_no_trainer_and_holds_nobody_up(settings, client, engine, file, tmp_path):
    """It became bad while its run waited."""
    bad = launch(client, write(tmp_path / "goes bad.npz", seed=3), training={"sequences": 320})
    replaced = launch(client, file, training={"sequences": 320})
    good = launch(client, write(tmp_path / "good.npz", seed=4), training={"sequences": 320})
    (tmp_path / "goes bad.npz").write_bytes(b"nothing")
    write(file, seed=2)
    worker = WorkerProcess(settings)
    worker.start()
    try:
        worker.until(lambda: state(engine, good) == "finished", "finished run")
    finally:
        worker.kill()

    assert [row(engine, one).error_kind for one in (bad, replaced)] == ["bad_data_file"] * 2
    assert "is not the file that this run began with" in row(engine, replaced).error_message
    assert [row(engine, one).device for one in (bad, replaced)] == [None, None]
    assert events(engine, bad)[-1][0] == "failed"
    change(engine, good, notes="trained")


def test_the_form_says_what_is_wrong_with_a_file_at_its_field(client, tmp_path):
    path = write(tmp_path / "few.npz", seed=1, classes=9)
    typed = {**form_of(tiny()).typed, "name": "Kept", "task.dataset": f"file:{path}"}

    answer = client.post("/runs", data=typed)

    assert answer.status_code == 422
    document = Document(answer.text)
    assert "the file has 9" in document.one("p", id="error-task-dataset").text
    assert document.one("input", name="name")["value"] == "Kept"


def beat(engine, host: str, pid: int) -> None:
    """A worker that says it is there."""
    said = {"cores": 1, "memory": 2**33, "memory_free": 2**33, "torch": "", "device": ""}
    with session_scope(engine) as session:
        report(session, Description(name=f"{host}-{pid}", host=host, pid=pid, **said))


NOBODYS = 2**22 + 1  # beyond the largest number that Linux gives a process


@pytest.mark.parametrize(
    ("workers", "is_refused"),
    [
        ([(socket.gethostname(), os.getpid())], True),
        ([], False),
        ([("elsewhere", 7)], False),
        ([(socket.gethostname(), os.getpid()), ("elsewhere", 7)], False),
        ([(socket.gethostname(), NOBODYS)], False),  # a container on this machine's network
    ],
)
@pytest.mark.parametrize("path", ["/nowhere/at all.npz", "~/nowhere.npz"])
def test_a_missing_file_is_refused_where_no_worker_can_have_it(
    client, engine, workers, is_refused, path
):
    for host, pid in workers:
        beat(engine, host, pid)

    answer = client.post(RUNS, json={"config": config(Path(path))})
    form = client.post(
        "/runs/preview", data={**form_of(tiny()).typed, "task.dataset": f"file:{path}"}
    )
    study = {"base": config(Path(path)), "axes": [], "runs": [{"changes": {}}]}
    studied = client.post(f"{STUDIES}?dry_run=true", json=study)

    assert answer.status_code == (422 if is_refused else 202), answer.text
    assert studied.status_code == (422 if is_refused else 200), studied.text
    said = Document(form.text).one("p", id="error-task-dataset").text
    assert ("there is no such file" in said) == is_refused
