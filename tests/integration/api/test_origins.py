"""No other web site that is open in the same browser can use the server; programs can."""

import httpx
import pytest

from app.config import Settings
from app.main import create_app
from tests.integration.support.rows import new_run
from tests.integration.support.web_server import serving

RUNS = "/api/v1/runs"
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[evil"},  # no address at all
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine
]
FOLLOWED = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_another_site_sends_does_nothing_and_reads_nothing(client, engine, outbox, headers):
    run_id = new_run(engine, outbox)
    said = [
        client.post(RUNS, json={}, headers=headers),
        client.post(f"{RUNS}/{run_id}/cancel", headers=headers),
        client.post("/runs", data={"name": "theirs"}, headers=headers),
        client.post("/runs/bulk", data={"runs": run_id, "action": "delete"}, headers=headers),
        client.get(f"{RUNS}/{run_id}", headers=headers),
        client.get(f"{RUNS}/{run_id}/events", headers=headers),
        client.get("/", headers=headers),
    ]

    assert {answer.status_code for answer in said} == {403}
    assert said[0].headers["Content-Type"] == "application/problem+json"
    assert [run["state"] for run in client.get(RUNS).json()["runs"]] == ["queued"]


def test_a_link_on_another_site_leads_to_a_page_and_to_nothing_else(client):
    assert client.get("/runs", headers=FOLLOWED).status_code == 200
    assert client.get("/runs", headers=FOLLOWED | {"Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert client.post("/runs", headers=FOLLOWED).status_code == 403


def test_our_own_pages_and_programs_are_heard(client):
    own = str(client.base_url).rstrip("/")
    for headers in ({}, {"Origin": own}, {"Sec-Fetch-Site": "same-origin", "Origin": own}):
        assert client.post(RUNS, json={}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[", "[::1", "a]b"]
)
def test_a_name_that_was_made_to_lead_here_is_refused(client, host):
    answer = client.get(RUNS, headers={"Host": host})

    assert answer.status_code == 421
    assert "OPTOSCOPE_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000", "lab.localhost"])
def test_this_machine_is_known_by_all_of_its_names(client, host):
    assert client.get(RUNS, headers={"Host": host}).status_code == 200


def test_names_of_a_proxy_can_be_given(settings):
    named = settings.model_copy(update={"hosts": ("lab.example.org",)})
    with serving(create_app(named)) as server, httpx.Client(base_url=server.url) as client:
        headers = {"Host": "lab.example.org", "Origin": "https://lab.example.org"}
        behind = {"Origin": "https://lab.example.org"}  # of a proxy that says its own name for us

        assert client.post(RUNS, json={}, headers=headers).status_code == 202
        assert client.post(RUNS, json={}, headers=behind).status_code == 202
        assert client.get(RUNS, headers={"Host": "other.example.org"}).status_code == 421


def test_what_is_served_at_another_port_of_a_proxy_is_another_site(settings):
    named = settings.model_copy(update={"hosts": ("lab.example.org", "lab.example.org:8443")})
    with serving(create_app(named)) as server, httpx.Client(base_url=server.url) as client:

        def said(origin: str) -> int:
            # Without `Sec-Fetch-Site`, which browsers send to https and to this machine only.
            return client.post(RUNS, json={}, headers={"Origin": origin}).status_code

        assert said("https://lab.example.org:8443") == 202
        assert said("http://lab.example.org") == 202
        assert said("http://lab.example.org:9999") == 403
        headers = {"Host": "lab.example.org:8443"}
        assert client.get(RUNS, headers=headers).status_code == 200


def test_hosts_are_read_from_the_environment(settings, monkeypatch):
    monkeypatch.setenv("OPTOSCOPE_HOSTS", "Lab.example.org, hub ,")

    read = Settings(database_url=settings.database_url, redis_url=settings.redis_url)

    assert read.hosts == ("lab.example.org", "hub")


@pytest.mark.parametrize("path", ["/runs", "/api/v1/runs", "/static/css/site.css", "/nothing"])
def test_every_answer_says_what_a_browser_may_do_with_it(client, path):
    headers = client.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "eval" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_refusals_carry_the_same_headers(client):
    headers = client.get("/runs", headers={"Host": "evil.example"}).headers

    assert headers["X-Content-Type-Options"] == "nosniff"


def test_answers_to_our_own_bugs_carry_the_same_headers(settings):
    app = create_app(settings)

    @app.get("/bug")
    def bug() -> None:
        raise ZeroDivisionError

    with serving(app) as server:
        answer = httpx.get(f"{server.url}/bug")

    assert answer.status_code == 500
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded"]
)
def test_a_proxy_on_this_machine_lets_nobody_into_a_server_without_a_token(client, header):
    answer = client.get(RUNS, headers={header: "203.0.113.7"})

    assert answer.status_code == 403
    assert "came through a proxy" in answer.json()["detail"]
