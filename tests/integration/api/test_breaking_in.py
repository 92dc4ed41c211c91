"""What somebody tries who wants to get in, or to stay in: on a server with a token."""

import httpx
import pytest
from limits import RateLimitItemPerYear
from pydantic import SecretStr
from sqlalchemy import text

from app.db.engine import session_scope
from app.main import create_app
from app.routes.guard import access as guard
from app.routes.guard import streams
from app.schemas.state import RunState
from app.services.access.tokens import revoke_token
from tests.integration.support.door import TOKEN, bearer, log_in, make, own
from tests.integration.support.event_stream import EventStream
from tests.integration.support.rows import moved, new_run
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving

RUNS = "/api/v1/runs"
# Of other programs on this host: a browser sends the cookies of all ports to each.
OTHERS = ["a/b=c", 'view={"zoom": 1}', "a[b]=1", "lonely", 'x="unended', "=;;="]


@pytest.mark.parametrize("others", OTHERS)
def test_cookies_of_other_programs_neither_break_nor_hide_ours(stranger, others):
    log_in(stranger)
    ours = f"optoscope={stranger.cookies['optoscope']}"
    stranger.cookies.clear()

    assert stranger.get(RUNS, headers={"Cookie": others}).status_code == 401
    for sent in (f"{others}; {ours}", f"{ours}; {others}"):
        assert stranger.get(RUNS, headers={"Cookie": sent}).status_code == 200


def test_a_right_guess_after_too_many_wrong_ones_is_not_tried(admin, stranger, monkeypatch):
    guesses = RateLimitItemPerYear(5)  # no minute ends between two of them
    monkeypatch.setattr(guard, "GUESSES", guesses)
    _, known = make(admin, "read")
    _, unused = make(admin, "read")
    assert stranger.get(RUNS, headers=known).status_code == 200
    for number in range(guesses.amount):
        guess = stranger.get(RUNS, headers=bearer(f"guess {number}"))
        assert guess.status_code == 401

    right = stranger.get(RUNS, headers=unused)

    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) >= 1
    # Who works from the same address is not locked out by it.
    assert stranger.get(RUNS, headers=known).status_code == 200
    assert admin.get(RUNS).status_code == 200


def test_another_token_of_the_server_ends_what_was_opened_with_the_one_before(stranger, asking):
    log_in(stranger)
    kept = dict(stranger.cookies)
    changed = asking.model_copy(update={"token": SecretStr(f"{TOKEN}, a new one")})

    with serving(create_app(changed)) as server, httpx.Client(base_url=server.url) as client:
        assert client.get(RUNS, headers=bearer(TOKEN)).status_code == 401
        client.cookies.update(kept)
        assert client.get(RUNS).status_code == 401
    with serving(create_app(asking)) as server, httpx.Client(base_url=server.url) as client:
        client.cookies.update(kept)
        assert client.get(RUNS).status_code == 200


def test_a_cookie_alone_changes_nothing(stranger):
    log_in(stranger)

    refused = stranger.post(RUNS, json={})

    assert refused.status_code == 403
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert stranger.get(RUNS).json()["runs"] == []
    assert stranger.post(RUNS, json={}, headers=own(stranger)).status_code == 202
    fetched = {"Sec-Fetch-Site": "same-origin"}
    assert stranger.post(RUNS, json={}, headers=fetched).status_code == 202


def test_who_comes_while_their_token_is_being_revoked_is_not_remembered(
    admin, stranger, locked, engine
):
    token_id, headers = make(admin, "read")
    log_in(stranger, headers["Authorization"].removeprefix("Bearer "))

    with session_scope(engine) as session:
        revoke_token(session, token_id, locked.services.gate)
        session.flush()
        assert stranger.get(RUNS).status_code == 200

    assert stranger.get(RUNS).status_code == 401


def test_each_token_has_a_limit_of_its_own(admin, stranger, monkeypatch):
    _, first = make(admin, "read")
    _, second = make(admin, "read")  # of the same name
    monkeypatch.setattr(guard, "REQUESTS", RateLimitItemPerYear(3))
    said = [stranger.get(RUNS, headers=first) for _ in range(4)]

    assert [one.status_code for one in said] == [200, 200, 200, 429]
    assert int(said[-1].headers["Retry-After"]) >= 1
    assert said[-1].headers["Content-Type"] == "application/problem+json"
    assert stranger.get(RUNS, headers=second).status_code == 200


@pytest.mark.parametrize("shown", ["token", "cookie"])
def test_a_stream_ends_when_its_reader_is_let_in_no_more(
    admin, stranger, locked, engine, outbox, monkeypatch, shown
):
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.0)
    run_id = new_run(engine, outbox)
    token_id, headers = make(admin, "read")
    if shown == "cookie":
        log_in(stranger, headers["Authorization"].removeprefix("Bearer "))
        headers = {"Cookie": f"optoscope={stranger.cookies['optoscope']}"}

    with EventStream(f"{locked.url}{RUNS}/{run_id}/events", headers) as stream:
        until(lambda: stream.events)
        heard = len(stream.events)
        admin.delete(f"/api/v1/tokens/{token_id}")
        moved(engine, outbox, run_id, RunState.CANCELLED)
        until(lambda: stream.ended)

    assert len(stream.events) == heard


def test_a_cookie_that_cannot_be_replaced_now_lets_in_all_the_same(
    stranger, engine, locked, monkeypatch
):
    log_in(stranger)
    with engine.begin() as connection:
        connection.execute(text("UPDATE browser_session SET created_at = now() - interval '13 h'"))
    locked.services.gate.forget()
    with engine.begin() as connection:  # a session that is closed to new rows
        connection.execute(
            text("ALTER TABLE browser_session ADD CONSTRAINT no_more CHECK (false) NOT VALID")
        )
    try:
        assert stranger.get("/runs").status_code == 200
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE browser_session DROP CONSTRAINT no_more"))
    assert stranger.get("/runs").status_code == 200
