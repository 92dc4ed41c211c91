"""A card of a run in a frame of another site: of those that the settings name, and of no others."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from app.config import Settings
from app.main import create_app
from optoscope import Client
from tests.integration.support.web_server import WebServer, serving

HUB = "https://hub.example.org"
FRAMED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def embedding(session_settings) -> Iterator[WebServer]:
    named = session_settings.model_copy(update={"embed_origins": (HUB, "http://localhost:8888")})
    with serving(create_app(named)) as server:
        yield server


@pytest.fixture
def embedded(embedding) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=embedding.url, timeout=30) as client:
        yield client


def ancestors(answer: httpx.Response) -> str:
    return answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2]


def test_a_card_may_be_framed_by_the_sites_that_are_named(embedded, trained):
    answer = embedded.get(f"/runs/{trained}?embed=1", headers=FRAMED)

    assert answer.status_code == 200
    assert ancestors(answer) == f"'self' {HUB} http://localhost:8888"
    assert "X-Frame-Options" not in answer.headers
    assert '<body data-card="loss">' in answer.text
    assert f'<a href="/runs/{trained}" target="_blank" rel="noopener">Trained</a>' in answer.text
    assert 'id="tour"' not in answer.text
    shown = embedded.get(f"/runs/{trained}?embed=attention").text
    assert '<body data-card="attention">' in shown


@pytest.mark.parametrize("path", ["", "/status?embed=1", "/log?embed=1", "?embeds=1"])
def test_nothing_else_may(embedded, trained, path):
    answer = embedded.get(f"/runs/{trained}{path}", headers=FRAMED)

    assert answer.status_code == 403
    assert ancestors(answer) == "'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_nothing_is_done_from_a_frame_of_another(embedded, trained, method):
    assert embedded.request(method, f"/runs/{trained}?embed=1", headers=FRAMED).status_code == 403


def test_what_a_page_of_another_fetches_is_refused_as_ever(embedded, trained):
    fetched = FRAMED | {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}

    assert embedded.get(f"/runs/{trained}?embed=1", headers=fetched).status_code == 403


def test_without_the_setting_no_card_may_be_framed(client, trained):
    answer = client.get(f"/runs/{trained}?embed=1", headers=FRAMED)
    assert answer.status_code == 403
    assert ancestors(client.get(f"/runs/{trained}?embed=1")) == "'none'"


def test_a_card_that_is_not_there_is_refused_with_those_that_are(embedded, trained):
    answer = embedded.get(f"/runs/{trained}?embed=weights")

    assert answer.status_code == 422
    assert "there are loss, strengths, circuit, attention" in answer.text


@pytest.mark.parametrize(
    "wrong", ["*", "hub.example.org", f"{HUB}/", f"{HUB} 'unsafe'", "https://*"]
)
def test_only_origins_are_taken_for_origins(settings, wrong):
    said = {"database_url": settings.database_url, "redis_url": settings.redis_url}
    with pytest.raises(ValidationError, match=r"write one such as https://hub\.example\.org"):
        Settings(**said, embed_origins=wrong)
    assert Settings(**said, embed_origins=f" {HUB}, ").embed_origins == (HUB,)


def test_a_notebook_shows_the_live_card_where_that_may_be(embedding, server, trained):
    for one, count in ((embedding, 1), (server, 0)):
        with Client(one.url, token="") as lab:
            card = lab.run(trained)._repr_html_()
            assert card.count(f'<iframe src="{one.url}/runs/{trained}?embed=1"') == count
