"""Checkpoints that go when a run has ended, and files of what was deleted."""

from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import lineage, runs
from app.db.engine import session_scope
from app.db.recording import StoredFile
from app.schemas.analyses.kinds import REQUEST
from app.schemas.retention import AROUND, EVENLY, MOST_MEANWHILE, RECENT
from app.schemas.state import RunState
from app.services.analyses.lifecycle import launch
from app.services.runs import retention
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import transaction
from app.services.runs.retention import thin_run, tidy, would_free
from tests.integration.support.locks import collision
from tests.integration.support.recorded import places
from tests.integration.support.rows import add_checkpoint, change, moved, new_run

RUNS = "/api/v1/runs"
PLACES = range(0, 1_000_001, 10_000)
MOST = EVENLY + AROUND + 3


@pytest.fixture
def ended(engine, outbox, settings) -> str:
    """A run with a hundred checkpoints that ended an hour ago."""
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    for place in PLACES:
        path = folder(settings, run_id) / f"{place:011d}-1.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        add_checkpoint(engine, run_id, StoredFile(place, path.as_uri(), 7, "0" * 64, True))
    change(engine, run_id, sequences=1_000_000, onset=200_000.0, end=300_000.0)
    with engine.begin() as connection:
        connection.execute(text("UPDATE run SET finished_at = now() - interval '1 h'"))
    return run_id


def folder(settings, run_id: str) -> Path:
    return settings.data_dir / "checkpoints" / run_id


def files(settings, run_id: str) -> list[int]:
    return sorted(int(path.name[:11]) for path in folder(settings, run_id).glob("*-1.safetensors"))


def test_an_ended_run_keeps_some_of_its_checkpoints_and_their_files(ended, engine, settings):
    with session_scope(engine) as session:
        promised = would_free(session)

    tidy(engine)

    stay = places(engine, ended, "checkpoint")
    assert {0, 1_000_000} <= {*stay}
    assert len(stay) <= MOST
    assert files(settings, ended) == stay
    assert promised.checkpoints == len(PLACES) - len(stay)
    assert promised.size == 7 * promised.checkpoints
    assert len([at for at in stay if 150_000 <= at <= 350_000]) >= AROUND - 3


def test_what_is_pinned_forked_or_grafted_from_stays(ended, client, engine, settings):
    pinned, forked, grafted = 510_000, 530_000, 570_000
    pin = client.patch(f"{RUNS}/{ended}/checkpoints/{pinned}", json={"is_pinned": True})
    assert pin.status_code == 204
    assert client.post(f"{RUNS}/{ended}/fork", json={"sequences": forked}).status_code == 202
    clamp = {"kind": "graft_in", "site": "L0.resid", "checkpoint": f"{ended}@{grafted}"}
    model = {"heads": 2, "width": 16}
    launched = client.post(RUNS, json={"config": {"model": model, "program": [clamp]}})
    assert launched.status_code == 202, launched.text

    tidy(engine)

    assert {pinned, forked, grafted} <= {*places(engine, ended, "checkpoint")}
    shared = places(engine, client.get(RUNS).json()["runs"][1]["id"], "checkpoint")
    assert {*shared} <= {*files(settings, ended)}


def test_a_run_that_keeps_all_keeps_all_until_it_is_told_otherwise(ended, client, engine):
    assert client.patch(f"{RUNS}/{ended}", json={"keep_checkpoints": "all"}).status_code == 200
    tidy(engine)
    assert len(places(engine, ended, "checkpoint")) == len(PLACES)

    client.patch(f"{RUNS}/{ended}", json={"keep_checkpoints": "usual"})
    tidy(engine)
    assert len(places(engine, ended, "checkpoint")) <= MOST


def test_its_page_says_which_stay_and_can_keep_all(ended, client, engine):
    assert "around the phase change" in client.get(f"/runs/{ended}").text

    answer = client.post(f"/runs/{ended}/checkpoints", data={"keep": "all"})
    tidy(engine)

    assert answer.status_code == 303
    assert len(places(engine, ended, "checkpoint")) == len(PLACES)
    assert "All of them stay." in client.get(f"/runs/{ended}").text
    assert client.post(f"/runs/{ended}/checkpoints", data={"keep": "x"}).status_code == 422


def test_a_run_that_has_just_ended_is_left_alone(ended, engine):
    change(engine, ended, finished_at=None, state="pausing")
    tidy(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE run SET state = 'finished', finished_at = now()"))
    tidy(engine)

    assert len(places(engine, ended, "checkpoint")) == len(PLACES)


def test_a_run_that_trains_keeps_the_latest_and_some_of_all(ended, engine, settings):
    change(engine, ended, finished_at=None, state="running", sequences=1_000_000, onset=None)
    tidy(engine)

    stay = places(engine, ended, "checkpoint")
    assert len(stay) <= MOST_MEANWHILE
    assert {*stay} >= {0, *PLACES[-RECENT:]}
    assert len([at for at in stay if at < PLACES[-RECENT]]) >= EVENLY // 2
    assert files(settings, ended) == stay
    tidy(engine)
    assert places(engine, ended, "checkpoint") == stay, "few enough are left as they are"


def test_the_recorder_of_a_run_never_waits_for_its_retention(ended, engine, settings):
    change(engine, ended, finished_at=None, state="running")
    with session_scope(engine) as recorder:
        runs.locked_run(recorder, ended)

        tidy(engine)  # it would wait for the row until its own time is up

    assert len(places(engine, ended, "checkpoint")) == len(PLACES)


def test_a_fork_that_is_being_made_keeps_its_files(ended, client, engine, settings):
    with collision(engine) as meet:
        with session_scope(engine) as forking:
            lineage.keep_from_deletion(forking, [ended])

            def thin() -> None:
                with session_scope(engine) as session:
                    thin_run(session, ended)

            thinned = meet.begin(thin)
            assert not thinned.done()
        thinned.result(10)


def test_checkpoints_that_an_analysis_looks_at_stay_until_it_has_ended(ended, client, engine):
    asked = {"kind": "exhaustive", "run": ended, "checkpoints": "all"}
    analysis = client.post("/api/v1/analyses", json=asked).json()
    tidy(engine)
    with session_scope(engine) as session:
        assert thin_run(session, ended).checkpoints == 0, "asked for since the look began"
    assert len(places(engine, ended, "checkpoint")) == len(PLACES)

    assert client.post(f"/api/v1/analyses/{analysis['id']}/cancel").status_code == 202
    tidy(engine)

    assert len(places(engine, ended, "checkpoint")) <= MOST


def test_an_analysis_that_is_being_planned_keeps_what_it_looks_at(ended, engine, outbox):
    request = REQUEST.validate_python({"kind": "exhaustive", "run": ended, "checkpoints": "all"})
    with collision(engine) as meet:
        with transaction(engine, outbox) as asking:
            launch(asking, run_or_error(asking, ended), request)

            def thin() -> None:
                with session_scope(engine) as session:
                    thin_run(session, ended)

            thinned = meet.begin(thin)
            assert not thinned.done()
        thinned.result(10)

    assert len(places(engine, ended, "checkpoint")) == len(PLACES)


def test_files_of_a_deleted_run_go_although_the_process_dies_before_it_removes_them(
    ended, client, engine, settings, monkeypatch
):
    with monkeypatch.context() as dead:
        dead.setattr(retention, "remove_noted", lambda *_: None)
        assert client.delete(f"{RUNS}/{ended}", params={"now": True}).status_code == 204
    assert folder(settings, ended).exists()

    tidy(engine)

    assert not folder(settings, ended).exists()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM file_removal")).scalar_one() == 0


def test_it_is_said_what_would_be_freed(ended, client):
    said = client.get("/api/v1/retention").json()

    assert said["checkpoints"] >= len(PLACES) - MOST
    assert said["size"] == 7 * said["checkpoints"]
