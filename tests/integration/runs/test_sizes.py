"""Runs that are too large are refused before anything is queued, however they are asked for."""

import pytest
from sqlalchemy import func, select

from app.db import workers
from app.db.engine import session_scope
from app.db.models import Run, Study
from app.db.recording import StoredFile
from app.schemas.config import RunConfig
from app.schemas.paper.registry import FIGURES
from app.schemas.presets import PRESETS
from app.schemas.state import RunState
from app.schemas.studies.expansion import expand
from app.schemas.studies.presets import STUDY_PRESETS
from app.services.costs.estimates import COMPOSITIONS, PROBES, frame_bytes
from app.services.costs.sizes import excess_of, together
from app.services.launch.config_form import form_of
from tests.integration.support.html import Document
from tests.integration.support.rows import add_checkpoint, moved, new_run
from worker.science.data import probe

API = "/api/v1"
RARELY = {"frame_every": 10**9, "checkpoint_every": 10**9}
HUGE = {"layers": 8, "heads": 32, "width": 1024, "mlp_ratio": 8.0}
ABSURD = {
    "a point for each of a thousand million sequences": (
        {
            "training": {"sequences": 10**9, "batch_size": 1},
            "recording": {"evaluate_every": 1, **RARELY},
        },
        "/recording/evaluate_every",
        "It would be measured 1,000,000,001 times, and 200,000 times at most are kept of a run; "
        "evaluate every 5,000 sequences or more.",
    ),
    "checkpoints of a large model": (
        {
            "model": HUGE,
            "training": {"batch_size": 4096},
            "recording": {"checkpoint_every": 5000, "evaluation_sequences": 8},
        },
        "/recording/checkpoint_every",
        "GB of checkpoints, and there is room for 50.0 GB; save them less often.",
    ),
    "frames of many heads": (
        {
            "model": {"layers": 8, "heads": 32, "width": 64},
            "task": {"context_pairs": 8, "labels": 16},
            "training": {"sequences": 20_000_000},
            "recording": {"evaluate_every": 500, "frame_every": 500, "checkpoint_every": 10**9},
        },
        "/recording/frame_every",
        "GB of attention frames, and a run may write 20.0 GB; keep frames less often.",
    ),
}  # fmt: skip
LARGE = {
    "64 M sequences": {"training": {"sequences": 64_000_000}},
    "every update of the paper's run": {
        "recording": {"evaluate_every": 32, "frame_every": 3200, "checkpoint_every": 3200}
    },
    "four layers of sixteen heads and an MLP": {
        "model": {"layers": 4, "heads": 16, "width": 128, "mlp_ratio": 4.0}
    },
    "a wide one": {"model": {"layers": 8, "heads": 32, "width": 512, "mlp_ratio": 4.0}},
}  # fmt: skip
NOBODY = workers.Largest(None, None)


def rows(engine) -> int:
    with session_scope(engine) as session:
        count = select(func.count())
        return session.scalar(count.select_from(Run)) + session.scalar(count.select_from(Study))


@pytest.mark.parametrize("named", ABSURD)
def test_what_is_absurd_is_refused_however_it_is_asked_for(client, engine, named):
    config, at, said = ABSURD[named]
    launch = client.post(f"{API}/runs", json={"config": config})
    dry = client.post(f"{API}/runs", params={"dry_run": True}, json={"config": config})
    study = client.post(f"{API}/studies", json={"runs": [{"name": "huge", "changes": config}]})

    for answer in (launch, dry, study):
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["detail"]
    assert launch.json()["errors"][0]["loc"] == dry.json()["errors"][0]["loc"]
    assert launch.json()["errors"][0]["loc"].endswith(at)
    assert study.json()["detail"].startswith("Huge: ")
    assert rows(engine) == 0


def test_a_fork_that_would_go_on_for_ever_is_refused(client, engine, outbox):
    config = RunConfig.model_validate({"recording": {"evaluate_every": 50, **RARELY}})
    run_id = new_run(engine, outbox, config)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    add_checkpoint(engine, run_id, StoredFile(1_000_000, "file:///w", 7, "0" * 64, True))

    body = {"sequences": 1_000_000, "until_sequences": 900_000_000}
    answer = client.post(f"{API}/runs/{run_id}/fork", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "/until_sequences"
    assert "200,000 times at most" in answer.json()["detail"]
    assert rows(engine) == 1


def test_a_run_that_no_worker_has_room_for_is_refused(client, engine):
    described = workers.Description(
        "w@here", "here", 1, "cpu", 2, 4 * 10**9, 2 * 10**9, "2.13", 10**12, 5 * 10**9
    )
    with session_scope(engine) as session:
        workers.report(session, described)
    wide = {"model": HUGE, "recording": RARELY}
    many = {"model": {"width": 1024}, "recording": {"checkpoint_every": 5000}}

    memory = client.post(f"{API}/runs", json={"config": wide})
    disk = client.post(f"{API}/runs", json={"config": many})

    assert "GB of memory, and the largest worker has 4.0 GB" in memory.json()["detail"]
    assert "GB of checkpoints, and there is room for 5.0 GB" in disk.json()["detail"]
    assert rows(engine) == 0
    assert client.post(f"{API}/runs", json={"config": {}}).status_code == 202


def test_runs_that_fit_alone_may_not_fit_together():
    config = RunConfig.model_validate({"model": {"width": 512}})
    known = workers.Largest(None, 10**10)

    assert excess_of(config, 0, known) is None
    assert together([config] * 2, known) == ""
    assert "GB of checkpoints, and there is room for 10.0 GB" in together([config] * 10, known)


def test_the_form_says_it_at_the_field_and_nothing_is_lost(client, engine):
    typed = {"training.sequences": "1,000,000,000", "recording.evaluate_every": "50"}
    form = {**form_of(RunConfig()).typed, "name": "Kept", **typed}
    form |= {f"recording.{name}": str(every) for name, every in RARELY.items()}
    said = "20,000,001 times, and 200,000 times at most"

    answer = client.post("/runs", data=form)

    assert answer.status_code == 422
    document = Document(answer.text)
    assert said in document.one("p", id="error-recording-evaluate_every").text
    assert document.one("input", name="name")["value"] == "Kept"
    assert said in client.post("/runs/preview", data=form).text
    assert rows(engine) == 0


@pytest.mark.parametrize("named", LARGE)
def test_what_is_large_and_right_is_taken(named):
    assert excess_of(RunConfig.model_validate(LARGE[named]), 0, NOBODY) is None


def test_everything_of_the_paper_and_every_preset_is_taken_on_a_laptop():
    laptop = workers.Largest(8 * 10**9, 100 * 10**9)
    configs = [preset.config for preset in PRESETS]
    requests = [preset.request for preset in STUDY_PRESETS]
    requests += [figure.request for figure in FIGURES if figure.request]
    for request in requests:
        of_study = [run.config for run in expand(request).runs]
        assert together(of_study, laptop) == ""
        configs += of_study

    assert [excess for config in configs if (excess := excess_of(config, 0, laptop))] == []


def test_frames_are_as_large_as_they_are_recorded():
    assert probe.PROBES == PROBES
    assert COMPOSITIONS == 3
    assert frame_bytes(RunConfig()) == 4 * (2 * 8 * 8 * 25 + 3 * 64)
