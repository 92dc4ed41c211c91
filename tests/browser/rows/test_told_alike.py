"""What a page says of a start, of a phase change and of groups: the same wherever it is said."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from app.services.wording import short
from tests.browser.support.charts import await_points
from tests.browser.support.program import ENDLESS, FOUND, SMALL

RUN_PAGE = re.compile(r"/runs/[0-9a-z]{10}$")
SAYS_OF_ITS_START = re.compile(
    r"(?P<stage>[a-z][a-z ]+) · .+ since it was taken · usually [\d.]+ .+; the last \d+ took"
)
NOTE_STARTS = """
() => {
  window.starts = [];
  const note = () => window.starts.push(document.getElementById("starting")?.textContent ?? "");
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(note).observe(document.body, all);
}
"""
AGAIN_SECONDS = 10  # from the click to a point; when it compiled what it had it was 19
# What the drop of the loss, and its middle, were called once.
OTHER_NAMES = re.compile("half ln 2|midpoint of the loss|changes? phase|phase transition", re.I)


def test_a_start_says_its_stage_its_seconds_and_what_others_took(page, program, finished_run):
    other = program.launch(ENDLESS, "In the way")
    program.until(lambda: program.run(other)["state"] == "running", "run in the way")
    run_id = program.launch(SMALL, "It starts")
    page.goto(f"/runs/{run_id}")
    expect(page.locator("#status .state")).to_have_text("queued")
    page.evaluate(NOTE_STARTS)

    program.cancel(other)
    await_points(page, 1)

    said = [
        found
        for one in page.evaluate("() => window.starts")
        if (found := SAYS_OF_ITS_START.match(one))
    ]
    assert said, page.evaluate("() => window.starts")
    program.cancel(run_id)


def test_a_run_that_goes_again_is_on_the_screen_within_seconds(page, finished_run):
    page.goto(f"/runs/{finished_run}")
    page.get_by_role("link", name="Duplicate with changes").click()
    page.get_by_label("Name").fill("Once more")
    begun = time.monotonic()
    page.get_by_role("button", name="Launch").click()

    page.wait_for_url(RUN_PAGE)
    await_points(page, 1)

    assert time.monotonic() - begun < AGAIN_SECONDS


def test_a_phase_change_has_one_name_and_one_place_on_every_page(page, program, finished_run):
    step = SMALL["recording"]["evaluate_every"]
    midpoint = program.run(finished_run)["phase_change"]["midpoint"]
    before = int(midpoint // step) * step
    between = f"between {short(before)} and {short(before + step)}"
    said = {
        f"/runs/{finished_run}": f"midpoint {between}",
        f"/compare?runs={finished_run}": f"midpoint {short(midpoint)}, {between}",
        f"/runs?q={finished_run}": short(midpoint),
        "/runs/new": "",
        "/guide": "Phase change: onset, midpoint, end",
    }
    for path, wanted in said.items():
        page.goto(path)
        expect(page.locator("main")).to_contain_text(wanted)
        assert not OTHER_NAMES.search(page.locator("main").inner_text()), path


def in_pages(program, limit: int, **query: str) -> list[str]:
    """The ids of a list that is asked for so many at a time."""
    found, cursor = [], {}
    while True:
        part = program.get("/runs", limit=limit, **query, **cursor)
        found += [run["id"] for run in part["runs"]]
        if part["next_cursor"] is None:
            return found
        cursor = {"cursor": part["next_cursor"]}


def test_runs_that_a_sorting_ties_stand_on_the_page_as_in_lists_of_any_length(page, program):
    tied = [program.launch(ENDLESS, "Tied") for _ in range(5)]
    for run_id in tied:
        program.cancel(run_id)
    program.until(lambda: {program.run(one)["state"] for one in tied} == {"cancelled"}, "ends")

    for sort in ("name", "-state"):
        page.goto(f"/runs?q=name:Tied&sort={sort}")
        rows = page.locator("tr[id^=run-]")
        expect(rows).to_have_count(len(tied))
        seen = [row.get_attribute("id").removeprefix("run-") for row in rows.all()]
        assert set(seen) == set(tied)
        for limit in (1, 2, 50):
            assert in_pages(program, limit, q="name:Tied", sort=sort) == seen


@pytest.fixture(scope="module")
def clamped(program) -> list[str]:
    """Runs whose programs begin alike, and are long."""
    ablated = [{"kind": "ablate", "site": f"L0H{head}.v"} for head in (0, 1)]
    programs = [[FOUND, *ablated], [FOUND, ablated[0]]]
    ids = [program.launch({**SMALL, "program": one}, "Clamped") for one in programs]
    for run_id in ids:
        assert program.finished(run_id)["state"] == "finished", program.report()
    return ids


def test_groups_are_named_by_their_lights_and_apart(page: Page, clamped):
    page.goto(f"/compare?runs={','.join(clamped)}&group=program")
    page.wait_for_function("() => document.getElementById('compare-chart').data?.length > 1")

    names = page.locator("#legend-table .who").all_inner_texts()
    assert len(set(names)) == 2
    assert not any("…" in name or "..." in name for name in names)
