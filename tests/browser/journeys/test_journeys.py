"""Journeys of whole people, by clicking only, or by keys: how many it takes is said at the end."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.support.program import SMALL, UPDATE_EVERY

# As many heads as the paper's, so that its clamps fit.
EIGHT_HEADS = {
    **SMALL,
    "model": {"width": 16, "heads": 8},
    "training": {"sequences": 100 * UPDATE_EVERY, "learning_rate": 5e-3},
    "program": [],
}
RUN_PAGE = re.compile(r"/runs/[a-z0-9]{10}(#.*)?$")
STUDY_PAGE = re.compile(r"/studies/[a-z0-9]{10}$")


class Journey:
    """What somebody does on a page: counts it."""

    def __init__(self, page: Page, record: Callable[[str, object], None]) -> None:
        self.page, self._record, self._begun = page, record, time.monotonic()
        self._acts = 0

    def click(self, target: Locator) -> None:
        """Also a choice from a list, which is two clicks."""
        self._acts += 1
        target.click()

    def choose(self, target: Locator, label: str) -> None:
        self._acts += 2
        target.select_option(label)

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self._acts += 1
            self.page.keyboard.press(key)

    def tab_to(self, target: Locator, most: int = 60) -> None:
        """Presses Tab until the target has the focus."""
        for _ in range(most):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def skip(self, link: str) -> None:
        """By a link at the top of the page, which Tab comes to first and says."""
        self.tab_to(self.page.get_by_role("link", name=link, exact=True), most=5)
        self.press("Enter")

    @property
    def acts(self) -> int:
        return self._acts

    def ends(self, name: str, acts: str = "clicks") -> None:
        seconds = time.monotonic() - self._begun
        self._record(f"journey: {name}", f"{self._acts} {acts}, {seconds:.0f} s")


@pytest.fixture
def journey(record_property) -> Callable[[Page], Journey]:
    return lambda page: Journey(page, record_property)


def test_the_first_ten_minutes(browse, program, journey):
    """From knowing nothing to a circuit that formed, its explanation, and a run of one's own."""
    page = browse(newcomer=True)
    page.goto("/welcome")
    going = journey(page)

    going.click(page.get_by_role("button", name="Watch this one"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Example: a circuit forms")
    example = page.url.rpartition("/")[2].partition("#")[0]
    going.click(page.get_by_role("button", name="Take the tour"))
    tour = page.get_by_role("dialog")
    for _ in range(5):
        going.click(tour.get_by_role("button", name="Next"))
    going.click(tour.get_by_role("button", name=re.compile("^(Done|Close|End)")).first)
    expect(tour).not_to_be_visible()

    going.click(page.get_by_role("link", name="New run").first)
    going.click(page.get_by_role("link", name=re.compile("^Layer 1 perfect")))
    going.click(page.get_by_role("button", name="Launch"))
    page.wait_for_url(RUN_PAGE)
    page.wait_for_function("() => document.getElementById('loss-chart')?.data?.[0]?.x.length > 0")
    going.ends("the first ten minutes")
    with program.client as client:
        client.delete(f"/runs/{example}", params={"now": True}).raise_for_status()


def test_does_fixing_the_match_remove_the_plateau(page, program, journey):
    """Over five seeds each, with a figure to show for it."""
    base = program.launch(EIGHT_HEADS, "A question")
    program.finished(base)
    page.goto(f"/runs/{base}")
    going = journey(page)

    going.click(page.get_by_role("link", name="Duplicate with changes"))
    going.click(page.get_by_role("button", name="Make it a study"))
    going.click(page.get_by_role("button", name="Vary something else, too"))
    going.choose(page.get_by_label("Field").nth(1), "Clamps: whole programs")
    programs = page.get_by_role("group", name="Clamps to compare")
    going.click(programs.get_by_label("Unclamped"))
    going.click(programs.get_by_label("Match fixed", exact=True))
    planned = page.get_by_role("list", name="Runs of this study")
    expect(planned.get_by_role("listitem")).to_have_count(10)
    going.click(page.get_by_role("button", name="Launch"))

    page.wait_for_url(STUDY_PAGE)
    expect(page.locator(".study-head .state")).to_have_text("all 10 finished")
    # Grouped by what is not chance, by itself.
    groups = page.get_by_role("group", name="Groups").get_by_role("button")
    expect(groups).to_have_text([re.compile("^Unclamped"), re.compile("^Match fixed")])
    going.click(page.get_by_role("main").get_by_role("link", name="Compare", exact=True))
    page.wait_for_function("() => document.getElementById('compare-chart')?.data?.length > 0")
    with page.expect_download() as download:
        going.click(page.get_by_role("button", name="SVG"))
    drawing = Path(download.value.path()).read_text()
    assert "Match fixed" in drawing
    going.ends("does fixing the match remove the plateau?")


def test_with_keys_and_a_screen_reader(page, program, journey):
    """Launches, hears that it trains and that it ended, and reads its numbers without looking."""
    page.goto("/runs")
    going = journey(page)

    for key in ("g", "n"):
        going.press(key)
    page.wait_for_url("**/runs/new")
    going.skip("Skip to the settings")
    going.tab_to(page.get_by_label("Sequences", exact=True), most=30)
    going.press("Control+a")
    page.keyboard.type("640")
    going.tab_to(page.get_by_label("Name", exact=True), most=30)
    page.keyboard.type("Heard")
    going.tab_to(page.get_by_role("button", name="Launch"))
    going.press("Enter")

    page.wait_for_url(RUN_PAGE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Heard")
    program.finished(page.url.rpartition("/")[2])
    expect(page.get_by_role("status").filter(has_text="Heard finished")).to_be_attached()
    slider = page.get_by_role("slider", name="Frame")
    going.skip("Skip to the time line")
    going.tab_to(slider, most=3)
    heard = slider.get_attribute("aria-valuetext")
    going.press("Home")
    expect(slider).not_to_have_attribute("aria-valuetext", heard or "")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"loss.* \d"))
    assert going.acts < 50, "keys, where it once took 186"
    going.ends("keys and a screen reader", "keys")
    assert_one_stop(page, "#head-maps button", "ArrowDown")
    assert_one_stop(page, "#loss-legend button", "ArrowRight")


def assert_one_stop(page: Page, buttons: str, key: str) -> None:
    """Tab comes to one of them; an arrow key goes on to another, which then is the one."""
    stop = page.locator(f"{buttons}:not([tabindex='-1'])")
    expect(stop).to_have_count(1)
    before = stop.evaluate_handle("element => element")
    stop.press(key)
    expect(stop).to_have_count(1)
    expect(stop).to_be_focused()
    assert stop.evaluate("(element, before) => element !== before", before)


def test_last_weeks_best_run_is_found_again(page, program, finished_run, journey):
    """Among all that were made since, by what it measured and not by its name."""
    page.goto("/runs")
    going = journey(page)

    going.click(page.get_by_text("How to ask"))
    going.click(page.get_by_role("link", name="created > -7d"))
    opens = page.locator("summary", has_text=re.compile("^Columns"))
    columns = page.locator("details.picker").filter(has=opens)
    going.click(opens)
    going.click(columns.locator('label:has([value="loss.new_classes.min"])'))
    going.click(opens)
    header = page.locator("th.cell-loss-new_classes-min")
    going.click(header.get_by_role("link"))
    expect(header).to_have_attribute("aria-sort", "ascending")
    best = page.locator(".runs-list tbody tr[id] th a").first
    known = program.get("/runs", q="loss.new_classes.min:any created > -7d", limit=200)["runs"]
    least = min(min(program.series(run["id"])["loss.new_classes"]) for run in known)
    found = (best.get_attribute("href") or "").rpartition("/")[2]
    assert min(program.series(found)["loss.new_classes"]) == least
    going.click(best)
    page.wait_for_url(RUN_PAGE)
    going.ends("last week's best run")


def test_a_circuit_is_shown_forming_on_a_phone(browse, finished_run, journey):
    page = browse(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto("/runs")
    going = journey(page)

    going.click(page.get_by_role("link", name="A finished run", exact=True))
    page.wait_for_url(RUN_PAGE)
    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_be_enabled()
    page.locator(".live-circuit").scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] / 2)
    expect(slider).to_have_value("0")
    going.click(page.get_by_role("button", name=re.compile("^Play")))
    last = slider.get_attribute("max") or ""
    expect(slider).to_have_value(last)
    expect(page.locator(".live-circuit")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    going.ends("a circuit forming on a phone", "taps")
