"""A page that is kept open from "queued" to "finished" says what one says that is opened then."""

import re
from contextlib import suppress
from difflib import ndiff

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.charts import CHARTS, assert_drawn, await_points, came_with
from tests.browser.support.program import ENDLESS, FOUND, SMALL
from tests.browser.support.said import assert_same_charts, charts_of, open_everything, words_of
from tests.integration.support.wait import until

# Its loss falls under the clamp, and rises again without it.
FOR_A_WHILE = {**SMALL, "program": [{**FOUND, "from_sequences": 640, "until_sequences": 4_800}]}
VIEWS = ("", "?x=elapsed&y=log&smooth=0.5", "?last=3200&induction=heatmap")
# What says something of its own: of the page's own time (what was announced while it was open), or
# of other runs (those that have this one's heads may be more by now).
OWN = "#announcer, #toasts, #compare-runs"
# Labels that the first batch lacks have no gradient: 0 / 0 without an epsilon.
DIVERGING = {
    **SMALL,
    "task": {**SMALL["task"], "labels": 100},
    "training": {**SMALL["training"], "epsilon": 1e-60},
    "program": [],
}
MARKS = "() => document.getElementById('loss-chart').layout.shapes.map(shape => shape.name)"


@pytest.fixture
def behind_another(program) -> tuple[str, str]:
    """A run that waits for the only worker until another one, the second, is cancelled."""
    other = program.launch({**ENDLESS, "model": {"width": 32, "heads": 2}}, "In the way")
    program.until(lambda: program.run(other)["state"] == "running", "run in the way")
    run_id = program.launch(FOR_A_WHILE, "Kept open")
    return run_id, other


def test_a_page_kept_open_from_queued_to_finished_says_what_a_fresh_one_says(
    browse, program, behind_another
):
    run_id, other = behind_another
    pages = {view: browse() for view in VIEWS}
    for view, page in pages.items():
        page.goto(f"/runs/{run_id}{view}")
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        expect(page.locator("#status .state")).to_have_text("queued")
    from_page = came_with(pages[""])
    assert from_page == 0

    program.cancel(other)
    await_points(pages[""], 1)
    expect(pages[""].locator(".chart .awaited:visible")).to_have_count(0)
    expect(pages[""].locator("#status")).to_contain_text("phase change")
    expect(pages[""].locator("#events")).to_contain_text("Phase change: midpoint between")
    for page in pages.values():
        expect(page.locator("#connection")).to_have_text("finished")

    assert_drawn(pages[""], program.series(run_id), from_page=from_page)
    assert pages[""].evaluate(MARKS).count("mark") == 3, "onset, midpoint, reversal"
    for chart in CHARTS:
        expect(pages[""].locator(f"#{chart} .shapelayer path").nth(2)).to_be_attached()
    expect(pages[""].locator("#status")).to_contain_text(
        re.compile("took .+: .+ starting and compiling, .+ training")
    )
    for view, page in pages.items():
        assert_says_the_same(page, opened(browse(), f"/runs/{run_id}{view}"))


def test_a_page_whose_run_fails_says_so_everywhere_and_what_a_fresh_one_says(browse, program):
    page, run_id = browse(), program.launch(DIVERGING, "It fails")
    page.goto(f"/runs/{run_id}")

    expect(page.locator("#connection")).to_have_text("failed")
    expect(page.locator("#status")).to_contain_text("The loss became NaN at 320 sequences")
    assert_says_the_same(page, opened(browse(), f"/runs/{run_id}"))


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_function("() => window.optoscope")
    page.evaluate("() => window.optoscope.ready")
    return page


def assert_says_the_same(kept: Page, fresh: Page) -> None:
    for page in (kept, fresh):
        open_everything(page)
        expect(page.locator("#log")).to_have_attribute("data-seconds", "0")
        expect(page.locator("#circuit-line")).to_be_visible()
    try:
        until(lambda: not differing(kept, fresh))
    finally:
        assert differing(kept, fresh) == []
    try:
        until(lambda: draw_the_same(kept, fresh))
    finally:
        assert_same_charts(charts_of(kept), charts_of(fresh))


def draw_the_same(kept: Page, fresh: Page) -> bool:
    """Not at once: what comes from the server is drawn in turn."""
    with suppress(AssertionError):
        assert_same_charts(charts_of(kept), charts_of(fresh))
        return True
    return False


def differing(kept: Page, fresh: Page) -> list[str]:
    """What one of them says (-) and the other one does not, or otherwise (+)."""
    lines = ndiff(words_of(kept, OWN), words_of(fresh, OWN))
    return [line for line in lines if line[0] in "-+"]
