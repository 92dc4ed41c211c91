"""Many tabs of one browser, which has six connections to a server at most."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.support.charts import assert_drawn, await_points, came_with, points
from tests.browser.support.program import ENDLESS, Program
from tests.browser.support.watch import Watch

TABS = 10


@pytest.fixture
def tabs(page, program, watch) -> tuple[str, list[Page]]:
    """A run that trains, and ten tabs that show it: most of them as the page of comparisons."""
    run_id = program.launch(ENDLESS, "Watched by many")
    program.until(lambda: program.run(run_id)["sequences"], "first point")
    opened = [page, *(another(page.context, watch) for _ in range(TABS - 1))]
    for number, tab in enumerate(opened):
        tab.goto(f"/runs/{run_id}" if number < 2 else f"/compare?runs={run_id}")
    return run_id, opened


def another(context: BrowserContext, watch: Watch) -> Page:
    page = context.new_page()
    watch.over(page)
    return page


def test_ten_tabs_are_live_and_stay_so_when_the_first_is_closed(tabs, program: Program):
    run_id, (first, second, *others) = tabs
    for tab in (first, second, *others):
        expect(tab.locator("#connection")).to_have_attribute("data-state", "live")

    first.close()
    await_points(second, points(second) + 3)
    for tab in others:
        expect(tab.locator("#connection")).to_have_attribute("data-state", "live")

    program.cancel(run_id)
    expect(second.locator("#connection")).to_have_text("cancelled")
    for tab in others:
        expect(tab.locator("#connection")).to_have_text("all ended")
    assert_drawn(second, program.series(run_id), from_page=came_with(second))
