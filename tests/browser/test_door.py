"""A server that asks for a token, in a browser: in, at work, out, and nobody with them."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations
from tests.browser.support.charts import await_points
from tests.browser.support.foreign import TRIES, other_site
from tests.browser.support.locked import TOKEN, locked_web
from tests.browser.support.program import ENDLESS

RUN_PAGE = re.compile(r"/runs/[a-z0-9]{10}$")


@pytest.fixture(scope="module")
def locked(program) -> Iterator[str]:
    with locked_web(program) as url:
        yield url


@pytest.fixture
def inside(browse, watch, locked) -> Page:
    """A page of somebody who has logged in."""
    watch.allow("status of 40[13]")  # the browser's own words about an answer
    page = browse(base_url=locked)
    page.goto("/workers")
    expect(page).to_have_title(re.compile("Log in"))
    assert violations(page) == []
    page.get_by_label("Token").fill("no token of theirs")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("No such token")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/workers")
    return page


def test_a_run_is_launched_watched_and_cancelled_by_who_has_logged_in(inside, program):
    like = program.launch(ENDLESS, "Small, and so soon at work")
    program.cancel(like)
    inside.goto(f"/runs/new?like={like}")
    inside.get_by_role("button", name="Launch").click()
    inside.wait_for_url(RUN_PAGE)
    run_id = inside.url.rpartition("/")[2]
    await_points(inside, 3)
    inside.get_by_role("button", name="Cancel", exact=True).click()
    inside.get_by_role("button", name="Cancel the run").click()

    assert program.finished(run_id)["state"] == "cancelled"


def test_tokens_are_made_and_revoked_and_one_logs_out(inside, locked):
    inside.goto("/tokens")
    inside.get_by_label("Whose it is").fill("Ana's notebook")
    inside.get_by_role("button", name="Make").click()
    shown = inside.locator("#made-token").inner_text()
    headers = {"Authorization": f"Bearer {shown}"}
    assert violations(inside) == []
    assert httpx.get(f"{locked}/api/v1/runs", headers=headers).status_code == 200
    inside.get_by_role("button", name="Revoke Ana's notebook").click()
    expect(inside.get_by_role("button", name="Revoke Ana's notebook")).to_have_count(0)
    assert httpx.get(f"{locked}/api/v1/runs", headers=headers).status_code == 401

    inside.get_by_role("button", name="Log out").click()
    inside.wait_for_url("**/login")
    inside.goto("/runs")
    expect(inside).to_have_title(re.compile("Log in"))


def test_the_cookie_helps_no_page_of_another_origin(inside, locked, program):
    run_id = program.launch(ENDLESS, "Ours")
    before = len(program.get("/runs")["runs"])
    with other_site() as port:
        # Of the same site to a browser, which sends it the cookie of the other port as well.
        other = inside.context.new_page()
        other.goto(f"http://127.0.0.1:{port}/")
        got = other.evaluate(TRIES, [locked, run_id])

    assert (got["read"], got["stream"], got["image"]) == ("refused",) * 3
    assert len(program.get("/runs")["runs"]) == before
    assert program.run(run_id)["state"] not in ("stopping", "cancelled", "pausing", "paused")
