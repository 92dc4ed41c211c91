"""What a server says of its own health, and who it blames."""

import httpx
import pytest
from sqlalchemy import text

from app.main import create_app
from app.services.runs import periodic, reaper
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving


def test_ready_when_all_answer_and_all_work_is_done(client):
    assert client.get("/readyz").json() == {
        "database": "ok",
        "redis": "ok",
        "background": {"listener": "ok", "reaper": "ok", "janitor": "ok"},
        "problems": [],
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_to_those_who_want_the_status_alone(client, path):
    answer = client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


def test_work_that_fails_each_time_or_hangs_is_named(settings, engine, monkeypatch):
    """The reaper's own statements fail; the database answers."""
    monkeypatch.setattr("app.main.LATE_REAPER", 0.3)
    monkeypatch.setattr(reaper.runs, "now", lambda session: session.execute(text("SELECT 1/0")))
    app = create_app(settings)

    with serving(app) as server:
        until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        said = httpx.get(f"{server.url}/readyz").json()

    assert (said["database"], said["background"]["reaper"]) == ("ok", "silent")
    assert "The reaper has done nothing for" in said["problems"][0]


def test_work_beats_each_time_that_it_is_done():
    beats = []
    work = periodic.Periodic("work", lambda: None, every_seconds=0.01, beat=lambda: beats.append(1))
    work.start()

    until(lambda: len(beats) > 2)
    work.stop()
