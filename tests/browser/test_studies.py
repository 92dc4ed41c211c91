"""A study from a run's config to its curves: launched with the form, followed to its end."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.charts import ROUNDED

STUDY_PAGE = re.compile(r"/studies/[a-z0-9]{10}$")
TRACES = """
() => document.getElementById('study-chart').data.map(
  ({uid, x, visible, xaxis}) => ({uid, points: x.length, visible: visible ?? true, xaxis}))
"""
DRAWN = """
() => Object.fromEntries(document.getElementById('study-chart').data.map(
  ({uid, x, y}) => [uid, {x: Array.from(x), y: Array.from(y)}]))
"""
# Their classes are "subplot x2y2", and "subplot x2y2z1" for what lies above.
PANELS = """
count => new Set([...document.querySelectorAll('#study-chart .cartesianlayer > .subplot')]
  .map(({classList}) => classList[1].split('z')[0])).size === count
"""


def traces(page: Page) -> list[dict]:
    """What is drawn, but for the bands and means of groups."""
    return [one for one in page.evaluate(TRACES) if len(one["uid"]) == 10]


def assert_picture(page: Page, title: str, legend: list[str]) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    drawing = Path(download.value.path()).read_text()
    assert download.value.suggested_filename.endswith("-loss.train.svg")
    assert f">{title}<" in drawing
    assert re.findall(r"legendtext[^>]*>([^<]*)<", drawing) == legend


def assert_chosen(page: Page, **chosen: str) -> None:
    """That the page's address and its report say so."""
    report = page.get_by_role("link", name="Report").get_attribute("href")
    assert [dict(parse_qsl(urlsplit(one).query)) for one in (page.url, report)] == [chosen] * 2


def test_a_seed_fan_is_launched_followed_and_grouped(page, program, finished_run):
    page.goto(f"/studies/new?run={finished_run}")
    planned = page.get_by_role("list", name="Runs of this study")
    expect(planned.get_by_role("listitem")).to_have_count(5)
    expect(planned.get_by_role("listitem").first).to_contain_text("reused")

    values = page.get_by_label("Values").first
    values.fill("5, six")
    expect(values).to_have_accessible_description(re.compile("Write a whole number"))
    values.fill("5..6")
    expect(planned.get_by_role("listitem")).to_have_count(2)
    expect(planned).to_contain_text("reused")
    page.get_by_role("button", name="Vary something else, too").click()
    page.get_by_label("Field").nth(1).select_option("Clamps: whole programs")
    page.get_by_text("Other programs as JSON").nth(1).click()
    page.get_by_label("Other programs as JSON").nth(1).fill(
        '[{"label": "found", "program": [{"kind": "set_pattern", "target": "induction",'
        ' "site": "L1H0.pattern[query]"}]}, {"label": "free", "program": []}]'
    )
    expect(planned.get_by_role("listitem")).to_have_count(4)
    page.get_by_label("Field").nth(1).select_option("nothing")
    page.get_by_role("heading", name="Training").click()
    page.get_by_label("Sequences", exact=True).fill("3520")
    expect(planned).not_to_contain_text("reused")
    page.get_by_label("Name").fill("Two seeds")
    page.get_by_role("button", name="Launch").click()

    page.wait_for_url(STUDY_PAGE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Two seeds")
    expect(page.locator(".study-head .state")).to_have_text("all 2 finished")
    runs = program.get(f"/studies/{page.url.rpartition('/')[2]}")["runs"]
    assert [run["sequences"] for run in runs] == [3_520] * 2
    page.wait_for_function(
        "count => document.getElementById('study-chart').data.filter("
        "one => one.uid.length === 10 && one.x.length === count).length === 2",
        arg=3_520 // 320 + 1,
    )
    drawn = page.evaluate(DRAWN)
    for run in runs:
        recorded = program.series(run["id"])
        assert drawn[run["id"]]["x"] == recorded["sequences"]
        assert drawn[run["id"]]["y"] == pytest.approx(recorded["loss.train"], rel=ROUNDED)
    groups = page.get_by_role("group", name="Groups").get_by_role("button")
    expect(groups).to_have_text(["all runs2 runs, 2 seeds"])

    page.get_by_label("Group", exact=True).select_option("By initial weights")
    expect(groups).to_have_text(["5", "6"])
    groups.first.click()
    assert [one["visible"] for one in traces(page)] == [False, True]
    assert_picture(page, "Two seeds · Loss, train", legend=["Initial weights seed 6"])
    page.get_by_label("Show").select_option("Accuracy, train")
    page.get_by_role("button", name="Small charts").click()
    page.wait_for_function(PANELS, arg=2)

    assert_chosen(page, metric="accuracy.train", group="seeds.initial", view="panels")
    page.reload()
    page.wait_for_function(PANELS, arg=2)
    expect(page.get_by_label("Show")).to_have_value("accuracy.train")
    assert [one["xaxis"] for one in traces(page)] == ["x", "x2"]

    page.get_by_role("link", name="Studies").click()
    row = page.get_by_role("row", name=re.compile("Two seeds"))
    expect(row).to_contain_text("all 2 finished")


def test_a_study_is_cancelled_after_asking_and_its_page_says_so(page, program):
    base = {"training": {"sequences": 1_000_000}}
    axis = {"field": "seeds.initial", "values": [5, 6, 7]}
    study = program.post("/studies", base=base, axes=[axis])
    page.goto(f"/studies/{study['id']}")

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Keep training").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the study").click()

    expect(page.locator(".study-head .state")).to_have_text("all 3 cancelled")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)


def test_a_run_is_repeated_with_more_seeds_by_one_key(page, program, finished_run):
    page.goto(f"/runs/{finished_run}")
    page.get_by_role("button", name="Repeat with 4 more seeds").press("Enter")

    page.wait_for_url(STUDY_PAGE)
    expect(page.get_by_role("heading", level=1)).to_have_text("A finished run: 5 seeds")
    runs = program.get(f"/studies/{page.url.rpartition('/')[2]}")["runs"]
    assert [runs[0]["id"], len(runs)] == [finished_run, 5]
    expect(page.locator(".study-head .state")).to_have_text("all 5 finished")
