"""A page when things happen to it: every point is there in the end, once, and no act is lost."""

import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.support.charts import assert_drawn, await_points, came_with, points
from tests.browser.support.program import ENDLESS, Program
from tests.browser.support.said import charts_of
from tests.integration.support.wait import until

STOPS_WITHIN = 2.0  # seconds
SOME = 5  # points

# A tab in the background, as browsers without a screen know none: it is hidden, and no frame is
# painted until it is looked at again.
BACKGROUND = """
(() => {
  const paint = window.requestAnimationFrame.bind(window);
  let waiting = [], hidden = false;
  window.requestAnimationFrame = (draw) => (hidden ? waiting.push(draw) : paint(draw));
  Object.defineProperty(document, "hidden", { get: () => hidden });
  Object.defineProperty(document, "visibilityState", { get: () => hidden ? "hidden" : "visible" });
  window.setHidden = (value) => {
    hidden = value;
    document.dispatchEvent(new Event("visibilitychange"));
    if (!hidden) for (const draw of waiting.splice(0)) paint(draw);
  };
})()
"""


def watched_run(page: Page, program: Program) -> str:
    """A run that trains for longer than any test, and its page with the first points drawn."""
    run_id = program.launch(ENDLESS, "Disturbed")
    page.goto(f"/runs/{run_id}")
    await_points(page, SOME)
    return run_id


def end(page: Page, program: Program, run_id: str) -> None:
    """Ends the run, from elsewhere; the page hears of it."""
    program.cancel(run_id)
    expect(page.locator("#status .state")).to_have_text("cancelled")
    expect(page.locator("#connection")).to_have_text("cancelled")


def another_point(program: Program, run_id: str) -> None:
    """Waits for one, or for the end of the run."""
    seen = program.run(run_id)["sequences"]

    def is_further() -> bool:
        run = program.run(run_id)
        return run["sequences"] > seen or run["is_terminal"]

    program.until(is_further, "another point")


def test_cancelling_asks_first_and_takes_two_seconds_at_most(page, program):
    run_id = watched_run(page, program)

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Keep training").click()
    await_points(page, points(page) + 1)
    assert program.run(run_id)["state"] == "running"

    page.get_by_role("button", name="Cancel", exact=True).click()
    asked_at = time.monotonic()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#status .state")).to_have_text("cancelled")
    seconds = time.monotonic() - asked_at

    assert seconds <= STOPS_WITHIN
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    expect(page.locator("#connection")).to_have_text("cancelled")
    assert_drawn(page, program.series(run_id))


def test_a_reload_in_the_middle_loses_and_doubles_nothing(page, program):
    run_id = watched_run(page, program)

    page.reload()
    from_page = came_with(page)
    assert from_page >= SOME
    await_points(page, from_page + SOME)
    end(page, program, run_id)

    assert_drawn(page, program.series(run_id), from_page=from_page)


def test_figures_that_the_server_thins_anew_lose_and_double_nothing(page, program):
    def with_few_points(route: Route) -> None:
        answer = route.fetch()
        script = answer.text()
        many = "MOST_POINTS = 3000"
        assert many in script
        route.fulfill(response=answer, body=script.replace(many, "MOST_POINTS = 5"))

    def slowly(route: Route) -> None:
        """The figure holds points that the page has not drawn, and others come before it does."""
        run_id = route.request.url.split("/")[-3]
        another_point(program, run_id)
        answer = route.fetch()
        another_point(program, run_id)
        route.fulfill(response=answer)

    page.route("**/js/bundle/run.page+*", with_few_points)
    page.route("**/figures/*", slowly)
    run_id = watched_run(page, program)
    with page.expect_response("**/figures/induction?*"):
        pass
    page.get_by_role("button", name="new classes").click()
    await_points(page, points(page) + SOME)
    end(page, program, run_id)
    page.unroute_all(behavior="wait")

    recorded = program.series(run_id)
    assert_drawn(page, recorded, from_page=len(recorded["sequences"]))
    assert page.evaluate("() => document.getElementById('loss-chart').data[3].visible") is False


def test_a_server_killed_under_the_page_loses_and_doubles_nothing(page, program, watch):
    run_id = watched_run(page, program)
    watch.allow(r"net::ERR_")

    program.kill("web")
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    before = points(page)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    await_points(page, before + SOME)
    end(page, program, run_id)

    assert_drawn(page, program.series(run_id))


def test_a_tab_that_was_hidden_catches_up_when_it_is_looked_at(page, program):
    page.add_init_script(BACKGROUND)
    run_id = watched_run(page, program)

    page.evaluate("() => setHidden(true)")
    expect(page.locator("#connection")).to_have_text("paused")
    before = points(page)
    program.until(lambda: len(program.series(run_id)["sequences"]) > before + SOME, "more points")
    assert points(page) == before
    page.evaluate("() => setHidden(false)")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    await_points(page, before + SOME)
    end(page, program, run_id)

    assert_drawn(page, program.series(run_id))


@pytest.fixture
def away(page: Page, watch) -> Page:
    watch.allow(r"net::ERR_")
    watch.allow(r"Failed to fetch")  # htmx tells the console, too
    return page


def test_a_pause_that_was_not_made_is_told_and_one_that_was_shows_all_there_is(
    away, browse, program
):
    run_id = program.launch(ENDLESS, "Not paused")
    away.goto(f"/runs/{run_id}?x=elapsed")
    await_points(away, SOME)

    away.context.set_offline(True)
    away.get_by_role("button", name="Pause").click()

    expect(away.locator(".toast")).to_contain_text(
        ["“Pause” was not doneThe server does not answer; try again."]
    )
    away.context.set_offline(False)
    away.get_by_role("button", name="Pause").click()
    expect(away.get_by_role("button", name="Resume")).to_be_visible()
    expect(away.locator("#status .state")).to_have_text("paused")
    # When training will have ended, at its pace so far, is told by the axis.
    fresh = browse()
    fresh.goto(away.url)
    await_points(fresh, len(program.series(run_id)["sequences"]))
    until(lambda: charts_of(away)[0]["axes"] == charts_of(fresh)[0]["axes"])


@pytest.mark.parametrize(
    ("path", "label", "typed", "before", "after"),
    [
        ("/studies/new", "Values", "5..7", "5 runs", "3 runs"),
        ("/runs/new", "Sequences", "10k", "201", "3"),
    ],
)
def test_a_preview_says_that_it_is_of_what_was_typed_before(
    away, path, label, typed, before, after
):
    away.goto(path)
    preview = away.locator("#preview")
    expect(preview.get_by_text(before, exact=True).first).to_be_visible()

    away.context.set_offline(True)
    away.get_by_label(label, exact=True).first.fill(typed)
    stale = away.locator("#stale")
    expect(stale).to_be_visible()
    away.get_by_role("button", name="Launch").click()
    expect(stale).to_be_in_viewport()
    expect(away.get_by_label(label, exact=True).first).to_have_value(typed)

    away.context.set_offline(False)
    expect(preview.get_by_text(after, exact=True).first).to_be_visible()
    expect(stale).to_be_hidden()
