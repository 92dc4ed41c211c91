"""Who is let in, and what they may do: on a server with a token, over HTTP."""

import re

import httpx
import pytest
from sqlalchemy import text

from app import cli
from app.routes.guard.rates import GUESSES
from app.schemas.state import RunState
from tests.integration.support.door import bearer, log_in, make, own
from tests.integration.support.html import Document
from tests.integration.support.rows import moved, new_run
from tests.integration.support.served import addresses

RUNS = "/api/v1/runs"


def test_every_route_but_login_health_and_files_asks_for_a_token(locked, stranger):
    said = {
        (method, path): stranger.request(method, path.replace("{", "").replace("}", ""))
        for method, path in addresses(locked.app)
    }

    assert len(said) > 80
    let_in = {path for (_, path), answer in said.items() if answer.status_code != 401}
    assert let_in == {"/login", "/healthz", "/readyz", "/static/css/site.css"}


def test_a_stranger_reads_a_problem_or_a_page_that_lets_them_in(stranger):
    api, page = stranger.get(RUNS), stranger.get("/runs?state=running")

    assert (api.status_code, page.status_code) == (401, 401)
    assert api.headers["WWW-Authenticate"] == "Bearer"
    assert api.headers["Content-Type"] == "application/problem+json"
    form = Document(page.text)
    assert form.one("input", name="next")["value"] == "/runs?state=running"


def test_a_browser_logs_in_and_out(stranger):
    answer = log_in(stranger, to="/runs?state=running")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/runs?state=running")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert stranger.get("/runs").status_code == 200
    kept = dict(stranger.cookies)
    assert stranger.post("/logout", headers=own(stranger)).status_code == 303
    stranger.cookies.update(kept)
    assert stranger.get("/runs").status_code == 401


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", ""])
def test_nobody_is_led_elsewhere_after_the_login(stranger, to):
    assert log_in(stranger, to=to).headers["Location"] == "/"


def test_a_wrong_token_is_refused_and_guessing_is_slow(stranger):
    # One more gets through where a minute ends among them.
    tries = [log_in(stranger, "guess") for _ in range(GUESSES.amount + 2)]

    assert tries[0].status_code == 401
    assert "No such token" in tries[0].text
    refused = [one for one in tries if one.status_code == 429]
    assert refused
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 120


def test_a_token_allows_its_scope_and_no_more(admin, stranger, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.CANCELLED)
    bulk = {"action": "delete", "runs": [run_id]}

    def tries(headers: dict[str, str]) -> list[int]:
        deleted = stranger.post(f"{RUNS}/bulk", json=bulk, headers=headers)
        return [
            stranger.get(RUNS, headers=headers).status_code,
            stranger.get("/runs", headers=headers).status_code,
            stranger.post(RUNS, json={}, headers=headers).status_code,
            stranger.get("/api/v1/tokens", headers=headers).status_code,
            stranger.delete(f"{RUNS}/{run_id}", headers=headers).status_code,
            deleted.json().get("changed", deleted.status_code),
        ]

    assert tries(make(admin, "read")[1]) == [200, 200, 403, 403, 403, 403]
    assert tries(make(admin, "launch")[1]) == [200, 200, 202, 403, 403, 403]
    assert tries(make(admin, "admin")[1]) == [200, 200, 202, 200, 410, 1]


def test_a_revoked_token_lets_nobody_in_nor_the_browsers_that_it_let_in(admin, stranger):
    token_id, headers = make(admin, "read")
    assert log_in(stranger, headers["Authorization"].removeprefix("Bearer ")).status_code == 303
    assert stranger.get("/runs").status_code == 200

    assert admin.delete(f"/api/v1/tokens/{token_id}").status_code == 204

    assert stranger.get(RUNS, headers=headers).status_code == 401
    assert stranger.get("/runs").status_code == 401


def test_that_a_token_is_used_is_noted_once_a_minute(admin, stranger, engine):
    token_id, shown = make(admin, "read")

    def used_at() -> object:
        with engine.connect() as connection:
            found = text("SELECT used_at FROM access_token WHERE id = :id")
            return connection.execute(found, {"id": token_id}).scalar_one()

    stranger.get(RUNS, headers=shown)
    first = used_at()
    stranger.get(RUNS, headers=shown)
    assert first is not None
    assert used_at() == first

    long_ago = text("UPDATE access_token SET used_at = used_at - interval '2 minutes'")
    with engine.begin() as connection:
        connection.execute(long_ago)
    stranger.get(RUNS, headers=shown)
    assert used_at() > first


def test_tokens_are_nowhere_kept_and_told_once(admin, engine):
    made = admin.post("/api/v1/tokens", json={"name": "notebook", "scope": "read"}).json()
    with engine.connect() as connection:
        rows = str(connection.execute(text("SELECT * FROM access_token")).all())

    assert made["token"].startswith("opto_")
    assert made["token"] not in rows
    assert made["token"] not in admin.get("/api/v1/tokens").text
    assert made["token"] not in admin.get("/tokens").text


def test_a_cookie_in_use_for_long_is_replaced_and_works_on_for_a_moment(stranger, engine, locked):
    log_in(stranger)
    before = dict(stranger.cookies)
    with engine.begin() as connection:
        connection.execute(text("UPDATE browser_session SET created_at = now() - interval '13 h'"))
    locked.app.state.services.gate.forget()

    assert stranger.get("/runs").status_code == 200
    after = dict(stranger.cookies)
    assert after != before
    assert stranger.get("/runs").status_code == 200
    with httpx.Client(base_url=locked.url, cookies=before) as other:
        assert other.get("/runs").status_code == 200
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE browser_session SET expires_at = expires_at - interval '2 min'")
        )
    locked.app.state.services.gate.forget()
    with httpx.Client(base_url=locked.url, cookies=before) as other:
        assert other.get("/runs").status_code == 401


def test_it_is_written_down_who_launched_deleted_and_let_in(admin, stranger, engine, outbox):
    _, headers = make(admin, "launch")
    run_id = stranger.post(RUNS, json={"name": "Theirs"}, headers=headers).json()["id"]
    moved(engine, outbox, run_id, RunState.CANCELLED)
    admin.delete(f"{RUNS}/{run_id}")

    events = admin.get("/api/v1/audit").json()["events"]

    assert [(one["who"], one["what"]) for one in events] == [
        ("the server's token", "deleted a run"),
        ("for launch", "launched a run"),
        ("the server's token", "made a token"),
    ]
    assert events[0]["about"] == f"Theirs ({run_id})"


def test_tokens_are_made_and_revoked_on_a_page(admin, stranger):
    log_in(stranger)
    form, ours = {"name": "Ana", "scope": "launch"}, own(stranger)
    made = Document(stranger.post("/tokens", data=form, headers=ours).text)
    token = made.one("code", id="made-token").text
    assert httpx.get(stranger.base_url.join(RUNS), headers=bearer(token)).status_code == 200

    (row,) = admin.get("/api/v1/tokens").json()["tokens"]
    assert stranger.post(f"/tokens/{row['id']}/revoke", headers=ours).status_code == 303
    assert admin.get("/api/v1/tokens").json()["tokens"] == []


def test_a_server_of_its_own_machine_asks_for_nothing(client):
    assert client.get(RUNS).status_code == 200
    assert "asks for no token" in client.get("/tokens").text


def test_tokens_are_made_and_revoked_on_the_command_line(stranger, settings, monkeypatch, capsys):
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", settings.database_url)

    assert cli.main(["token", "create", "notebook"]) == 0
    token = capsys.readouterr().out.strip()
    assert cli.main(["token", "list"]) == 0
    token_id, scope, day, minute, used, name = capsys.readouterr().out.split()
    assert (scope, used, name) == ("read", "never", "notebook")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", f"{day} {minute}")
    assert stranger.get(RUNS, headers=bearer(token)).status_code == 200
    assert cli.main(["token", "list"]) == 0
    assert "never" not in capsys.readouterr().out
    assert cli.main(["token", "revoke", token_id]) == 0
    assert stranger.get(RUNS, headers=bearer(token)).status_code == 401
    assert cli.main(["token", "revoke", token_id]) == 1
    assert f"There is no token {token_id!r}" in capsys.readouterr().err
