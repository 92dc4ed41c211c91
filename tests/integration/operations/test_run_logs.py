"""The log of a run: on its page, by the API, and gone with it."""

from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.schemas.state import RunState
from app.services.runs.log_files import log_folder, remove_logs_of_deleted
from tests.integration.support.html import get
from tests.integration.support.rows import moved, new_run
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving

RUNS = "/api/v1/runs"


@pytest.fixture
def logged(settings, trained) -> Path:
    """The log of `trained`."""
    folder = log_folder(settings.data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{trained}.log"
    log.write_text("loading\n<script>alert(1)</script> & more\n")
    return log


def test_the_api_gives_the_last_lines(client, trained, logged):
    answer = client.get(f"{RUNS}/{trained}/log", params={"tail": 1})

    assert answer.json() == {
        "run_id": trained,
        "lines": ["<script>alert(1)</script> & more"],
        "note": "",
    }
    assert client.get(f"{RUNS}/{trained}/log?tail=0").status_code == 422
    assert client.get(f"{RUNS}/none/log").status_code == 404


def test_the_page_shows_them_as_text_and_asks_for_those_that_come(client, trained, logged):
    page = client.get(f"/runs/{trained}").text
    with logged.open("a") as log:
        log.write("a line more\n")

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script>alert(1)" not in page
    part = get(client, f"/runs/{trained}/log").one(id="log")
    assert part["data-seconds"] != "0"
    assert part.text.endswith("a line more")


def test_a_failed_run_shows_its_reason_and_its_log_open(client, engine, outbox, trained, logged):
    moved(engine, outbox, trained, RunState.FAILED)

    page = get(client, f"/runs/{trained}")

    assert "open" in page.one("details", id="log-details").attributes
    assert page.one(id="log")["data-seconds"] == "0"
    assert page.all("a", href="#log-title")


def test_logs_of_deleted_runs_go_and_no_others(client, settings, engine, outbox, trained, logged):
    moved(engine, outbox, trained, RunState.STOPPING, RunState.CANCELLED)
    stays, unknown = (
        logged.with_name(f"{name}.log") for name in (new_run(engine, outbox), 10 * "u")
    )
    for log in (stays, unknown):
        log.write_text("of a run that nobody has deleted here\n")
    assert client.delete(f"{RUNS}/{trained}", params={"now": True}).status_code == 204

    remove_logs_of_deleted(engine, settings.data_dir)

    assert [log.exists() for log in (logged, stays, unknown)] == [False, True, True]


def test_a_server_looks_after_them(settings, engine, outbox, trained, logged, monkeypatch):
    monkeypatch.setattr("app.main.TIDY_SECONDS", 0.1)
    moved(engine, outbox, trained, RunState.STOPPING, RunState.CANCELLED)
    with serving(create_app(settings)) as server:
        assert (
            httpx.delete(f"{server.url}{RUNS}/{trained}", params={"now": True}).status_code == 204
        )
        until(lambda: not logged.exists())
