"""Scripts and styles as browsers get them: small, and asked for once."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from app.assets import present as files
from app.assets.present import STATIC, address, present
from app.assets.served import Assets


def asked(folder: Path, path: str) -> httpx.Response:
    """What is served of a folder."""

    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(app=Assets(directory=folder))
        async with httpx.AsyncClient(transport=served, base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(ask())


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
    monkeypatch.setattr(files, "STATIC", tmp_path)

    def version_of(text: str) -> str:
        (tmp_path / "a.js").write_text(text)
        files._present_at.cache_clear()  # it looks once a second
        return present().version

    before, changed = version_of("1"), version_of("23")
    assert before != changed
    assert version_of("1") == before


def test_an_address_of_before_serves_nothing_new_for_ever(tmp_path, monkeypatch):
    script = tmp_path / "a.js"
    script.write_text("1")
    monkeypatch.setattr(files, "STATIC", tmp_path)
    monkeypatch.setattr(files, "time", SimpleNamespace(monotonic=lambda: -1.0))  # stands still
    before = present().version

    assert "immutable" in asked(tmp_path, f"/{before}/a.js").headers["Cache-Control"]
    script.write_text("22")
    changed = asked(tmp_path, f"/{before}/a.js")
    assert (changed.text, changed.headers["Cache-Control"]) == ("22", "no-cache")
    assert present().version != before


BUNDLED = re.compile(r'src="/static/v-\w+/(js/[^"]+)"')


def test_a_page_asks_for_all_of_its_scripts_in_one_file(client):
    page = client.get("/runs/new").text
    early, path = BUNDLED.findall(page)
    text = client.get(address(path)).text

    assert (early, path) == ("js/common/early.js", "js/bundle/launch.page+common.site.js")
    held = re.findall(r'^modules\["(.+)"\] = ', text, re.MULTILINE)
    assert len(held) == len(set(held)) > 10
    assert set(re.findall(r'modules\["(.+?)"\];', text)) <= set(held)
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)


def test_a_bundle_is_kept_and_comes_compressed_as_files_are(client):
    path = address("js/bundle/common.site.js")
    small, plain = client.get(path), client.get(path, headers=PLAIN)
    again = client.get(path, headers={"If-None-Match": small.headers["ETag"]})

    assert "immutable" in small.headers["Cache-Control"]
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.text == plain.text
    assert "javascript" in small.headers["Content-Type"]
    assert again.status_code == 304
    assert client.get("/static/js/bundle/common.site.js").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "common.nothing.js",
        "common.site+.js",
        "common.site+common.site.js",
        "....main.js",
        "site",
        "",
    ],
)
def test_a_bundle_of_what_is_not_there_is_not_there(client, name):
    assert client.get(f"/static/js/bundle/{name}").status_code == 404


def test_a_bundle_whose_module_has_changed_is_not_kept_under_the_address_of_before(
    tmp_path, monkeypatch
):
    module = tmp_path / "js" / "common" / "words.js"
    module.parent.mkdir(parents=True)
    module.write_text('export const word = "older";')
    (tmp_path / "js" / "page.js").write_text('import { word } from "./common/words.js";')
    monkeypatch.setattr(files, "STATIC", tmp_path)
    monkeypatch.setattr(files, "time", SimpleNamespace(monotonic=lambda: -1.0))  # stands still

    before = present().version
    answers = [asked(tmp_path, f"/{before}/js/bundle/page.js")]
    module.write_text('export const word = "newer still";')
    answers.append(asked(tmp_path, f"/{before}/js/bundle/page.js"))

    assert ["immutable" in one.headers["Cache-Control"] for one in answers] == [True, False]
    assert ["newer still" in one.text for one in answers] == [False, True]


def test_plotly_is_sent_so_that_browsers_compile_it_while_it_arrives(client):
    text = client.get(address("vendor/plotly-cartesian.min.js")).text
    published = (STATIC / "vendor/plotly-cartesian.min.js").read_text()

    assert "this, (() => {" in text
    assert text.endswith("})));")
    brackets = str.maketrans("", "", "()")
    assert text.translate(brackets) == published.rstrip().translate(brackets)
