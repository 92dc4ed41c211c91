"""Scripts and styles as browsers get them: small, and asked for once."""

import asyncio
import re
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx

from app import assets
from app.assets import STATIC, address, present

PLAIN = {"Accept-Encoding": "identity"}


def test_files_of_the_present_version_are_kept_for_ever_and_others_asked_for(client):
    present = client.get(address("js/run/page.js"))
    outdated = client.get(f"/static/v-{'0' * 12}/js/run/page.js")
    unversioned = client.get("/static/js/run/page.js")

    assert "immutable" in present.headers["Cache-Control"]
    assert outdated.headers["Cache-Control"] == unversioned.headers["Cache-Control"] == "no-cache"
    assert (
        present.text == outdated.text == unversioned.text == (STATIC / "js/run/page.js").read_text()
    )


def test_text_comes_compressed_to_who_takes_it(client):
    small = client.get(address("css/site.css"))
    plain = client.get(address("css/site.css"), headers=PLAIN)

    assert small.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert small.text == plain.text
    assert int(small.headers["Content-Length"]) < 0.5 * int(plain.headers["Content-Length"])
    assert small.headers["Content-Type"] == plain.headers["Content-Type"]
    assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_what_a_browser_has_is_not_sent_again(client):
    for headers in ({}, PLAIN):
        etag = client.get("/static/js/run/page.js", headers=headers).headers["ETag"]
        again = client.get("/static/js/run/page.js", headers={"If-None-Match": etag, **headers})

        assert again.status_code == 304
        assert again.content == b""


def test_only_files_below_the_folder_are_served(client):
    version = present().version
    for path in (f"/static/{version}/../../pyproject.toml", "/static/%2e%2e/%2e%2e/README.md"):
        assert client.get(path).status_code == 404
    assert client.get(f"/static/{version}").status_code == 404


def test_the_version_follows_what_the_files_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "STATIC", tmp_path)

    def version_of(text: str) -> str:
        (tmp_path / "a.js").write_text(text)
        assets._present_at.cache_clear()  # it looks once a second
        return assets.present().version

    before, changed = version_of("1"), version_of("23")
    assert before != changed
    assert version_of("1") == before


def test_an_address_of_before_serves_nothing_new_for_ever(tmp_path, monkeypatch):
    script = tmp_path / "a.js"
    script.write_text("1")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    monkeypatch.setattr(assets, "time", SimpleNamespace(monotonic=lambda: -1.0))  # stands still
    before = present().version

    def get() -> httpx.Response:
        async def ask() -> httpx.Response:
            served = httpx.ASGITransport(app=assets.Assets(directory=tmp_path))
            async with httpx.AsyncClient(transport=served, base_url="http://here") as client:
                return await client.get(f"/{before}/a.js")

        return asyncio.run(ask())

    assert "immutable" in get().headers["Cache-Control"]
    script.write_text("22")
    changed = get()
    assert (changed.text, changed.headers["Cache-Control"]) == ("22", "no-cache")
    assert present().version != before


def test_a_page_asks_for_all_of_its_scripts_at_once(client):
    page = client.get("/runs/new").text
    asked = {f"/static/{name}" for name in re.findall(r'"/static/v-\w+/([\w/.]+\.js)"', page)}
    imported = set()
    for path in asked:
        named = re.findall(r'from "(\.[\w./]+\.js)"', client.get(path).text)
        imported |= {urljoin(path, name) for name in named}

    assert len(imported) > 5
    assert imported <= asked
    assert page.index("modulepreload") < page.index('type="module"')
