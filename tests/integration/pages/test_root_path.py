"""The application below a path, behind a proxy that takes the path off and one that leaves it."""

import re
from collections.abc import Iterator

import anyio
import httpx
import pytest
from pydantic import SecretStr

from app.assets.present import STATIC
from app.main import create_app
from app.root_path import OWN, checked_root
from app.templating import environment
from tests.integration.support import served
from tests.integration.support.door import TOKEN, log_in
from tests.integration.support.web_server import WebServer, serving

ROOT = "/proxy/8000"
PAGES = (
    "runs",
    "runs?group=state",
    "runs/new",
    "studies",
    "studies/new",
    "compare",
    "workers",
    "guide",
    "docs",
    "tokens",
    "import",
)
ADDRESS = re.compile(r'\s(?:[\w-]+)="(/[^"]*)"')  # of any attribute


@pytest.fixture(scope="module")
def below(session_settings) -> Iterator[WebServer]:
    with serving(create_app(session_settings.model_copy(update={"root_path": ROOT}))) as server:
        yield server


@pytest.fixture(params=["", ROOT], ids=["taken off", "left"])
def proxied(below, request) -> Iterator[httpx.Client]:
    # The first look at the reference has the whole document of the API made: seconds on a busy
    # machine.
    with httpx.Client(base_url=f"{below.url}{request.param}", timeout=30) as client:
        yield client


def addresses(html: str) -> set[str]:
    """What a page asks the browser for, or leads it to; what a form sends is none of that."""
    return {
        found
        for tag in re.findall(r"<(?!input)[a-z]+\s[^>]*>", html)
        for found in ADDRESS.findall(tag)
        if "data-key" not in tag or found != "/"
    }


@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_a_page_is_below_the_path(proxied, path):
    found = addresses(proxied.get(f"/{path}", follow_redirects=False).text)

    assert len(found) >= 5
    assert [one for one in found if not one.startswith(f"{ROOT}/")] == []


def test_pages_of_a_run_and_of_a_bulk_act_are_too(proxied, trained):
    form = {"run": [trained], "action": "delete", "back": "/runs?q=x"}
    pages = [proxied.get(f"/runs/{trained}"), proxied.post("/runs/bulk", data=form)]

    for page in pages:
        assert [one for one in addresses(page.text) if not one.startswith(f"{ROOT}/")] == []
    assert f'href="{ROOT}/runs?q=x"' in pages[1].text


def test_redirects_lead_below_the_path(proxied):
    first = proxied.get("/")
    slash = proxied.get("/runs/")
    launched = proxied.post("/runs", data={"name": "Below"})

    assert first.headers["Location"] == f"{ROOT}/welcome"
    assert slash.headers["Location"] in (None, f"{ROOT}/runs")
    assert re.fullmatch(f"{ROOT}/runs/[a-z0-9]{{10}}", launched.headers["Location"])


def test_documents_name_addresses_below_the_path(proxied, trained):
    runs = "/api/v1/runs"
    [checkpoint] = proxied.get(f"{runs}/{trained}/checkpoints").json()["checkpoints"]
    launched = proxied.post(runs, json={})

    assert checkpoint["url"].startswith(f"{ROOT}{runs}/{trained}/checkpoints/")
    assert launched.headers["Location"] == f"{ROOT}{runs}/{launched.json()['id']}"
    assert proxied.get(f"{runs}/nothing").json()["instance"] == f"{ROOT}{runs}/nothing"
    assert proxied.get("/api/v1/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_files_are_served_below_the_path(proxied):
    html = proxied.get("/guide").text
    [script] = set(re.findall(rf'src="{ROOT}(/static/[^"]+/bundle/common.site.js)"', html))

    answer = proxied.get(script)

    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_filtered_list_is_kept_in_the_browsers_address(proxied):
    sent = {"HX-Request": "true", "HX-Target": "div#runs-table", "HX-Source": "form#filters"}
    answer = proxied.get("/runs?q=words", headers=sent)

    assert answer.headers["HX-Push-Url"].startswith(f"{ROOT}/runs?")


def test_a_login_is_good_below_the_path_and_nowhere_else(session_settings):
    locked = session_settings.model_copy(update={"root_path": ROOT, "token": SecretStr(TOKEN)})
    with serving(create_app(locked)) as server, httpx.Client(base_url=server.url) as client:
        asked = client.get(f"{ROOT}/runs")
        answer = log_in(client)

        assert asked.status_code == 401
        assert f'action="{ROOT}/login"' in asked.text
        assert 'name="next" value="/runs"' in asked.text
        assert answer.headers["Location"] == f"{ROOT}/runs"
        [cookie] = client.cookies.jar
        assert cookie.path == f"{ROOT}/"
        assert client.get(f"{ROOT}/tokens").status_code == 200


def test_the_servers_own_root_path_is_heard(session_settings):
    app = create_app(session_settings)
    transport = httpx.ASGITransport(app, root_path=ROOT)

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(f"{ROOT}/guide")

    answer = anyio.run(asked)

    assert answer.status_code == 200
    assert f'href="{ROOT}/runs"' in answer.text


def test_no_root_path_begins_as_an_address_of_ours(below):
    firsts = {path.split("/")[1] for _, path in served.addresses(below.app)}

    assert firsts - {""} == OWN
    for own in OWN:
        with pytest.raises(ValueError, match=f"Optoscope's own /{own} does"):
            checked_root(f"/{own}/below")


@pytest.mark.parametrize("path", ["proxy/8000", "/a b", "/a//b", "//evil.example", "/?", "/a/../b"])
def test_what_is_no_path_is_refused_in_a_sentence(path):
    with pytest.raises(ValueError, match="write one such as /proxy/8000"):
        checked_root(path)


def test_every_attribute_of_a_template_that_takes_an_address_is_seen_to():
    known = {"href", "src", "action", "formaction", "hx-get", "hx-post"}
    for name in environment.list_templates():
        source, *_ = environment.loader.get_source(environment, name)
        assert set(re.findall(r'\s([\w-]+)="/\w', source)) <= known, name
        assert set(re.findall(r'\s(hx-(?:get|post|put|patch|delete))="', source)) <= known, name


def test_every_address_in_a_script_is_seen_to():
    for path in set((STATIC / "js").rglob("*.js")) - {STATIC / "js/common/root.js"}:
        assert re.findall(r"""(?<!rooted\()["'`]/[a-z][^"'`]*""", path.read_text()) == [], path.name
