"""Every page, and a live stream, below a path behind a real nginx, for whoever logged in there."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.charts import assert_drawn, await_points, came_with
from tests.browser.support.locked import TOKEN, locked_web
from tests.browser.support.nginx import NGINX, nginx
from tests.browser.support.program import ENDLESS

ROOT = "/proxy/8000"
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def web(program) -> Iterator[str]:
    """A web server that is told of the path, and trusts the proxies of this machine."""
    trusted = {"OPTOSCOPE_TRUSTED_PROXIES": "127.0.0.1"}
    with locked_web(program, "--root-path", ROOT, **trusted) as url:
        yield url


@pytest.fixture(scope="module")
def address(program, web) -> Iterator[str]:
    if NGINX is None:
        pytest.skip("There is no nginx; the distribution's package nginx-light has one.")
    with nginx(web, ROOT, program.until) as address:
        yield address


@pytest.fixture
def asked(browse, watch, address) -> Iterator[tuple[Page, list[str]]]:
    """A page that is logged in, and the paths of all that was asked for from then on."""
    watch.allow("401")
    page: Page = browse(base_url=f"{address}/")
    paths: list[str] = []
    page.context.on("request", lambda request: paths.append(urlsplit(request.url).path))
    page.goto("runs")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("Runs")
    yield page, paths
    assert [path for path in paths if not path.startswith(f"{ROOT}/")] == []


def test_every_page_and_what_it_asks_for_is_below_the_path(asked, program, finished_run):
    page, paths = asked
    for place in (
        "runs", "runs/new", f"runs/new?fork={finished_run}", f"runs/{finished_run}", "studies",
        "studies/new", f"compare?runs={finished_run}", "workers", "guide", "docs", "tokens",
    ):  # fmt: skip
        answer = page.goto(place)
        assert answer is not None
        assert answer.status == 200, place
        page.wait_for_load_state("networkidle")
    assert any("/static/" in path for path in paths)
    assert any("/api/v1/news" in path for path in paths)


def test_a_run_is_launched_watched_live_and_cancelled(asked, program):
    page, _ = asked
    like = program.launch(ENDLESS, "Small, and so soon at work")
    program.cancel(like)
    page.goto(f"runs/new?like={like}")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(f"{ROOT}/runs/[a-z0-9]{{10}}$"))
    run_id = page.url.rpartition("/")[2]
    await_points(page, came_with(page) + 3)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#status .state")).to_have_text("cancelled")

    assert_drawn(page, program.series(run_id), from_page=came_with(page))


def test_the_list_is_searched_and_keeps_its_address_below_the_path(asked, program, finished_run):
    page, _ = asked
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url(f"**{ROOT}/runs")
    page.locator("#search").fill("A finished")
    page.wait_for_url(f"**{ROOT}/runs?q=A+finished*")
    page.locator(f"#run-{finished_run}").get_by_role("link", name="A finished run").click()
    page.wait_for_url(f"**{ROOT}/runs/{finished_run}")


def test_who_sent_a_request_is_told_by_trusted_proxies_only(web, program):
    form = {"token": TOKEN, "next": "/runs"}
    with locked_web(program) as untrusting:
        told = httpx.post(f"{untrusting}/login", data=form, headers=HTTPS)
    heard = httpx.post(f"{web}/login", data=form, headers=HTTPS)

    assert (told.status_code, heard.status_code) == (303, 303)
    assert "Secure" in heard.headers["Set-Cookie"]
    assert f"Path={ROOT}/" in heard.headers["Set-Cookie"]
    assert "Secure" not in told.headers["Set-Cookie"]
