"""A run's page while the run trains, and after."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.charts import await_points, came_with, points
from tests.browser.support.program import ENDLESS

LENGTHS = """
() => [
  ...document.getElementById("loss-chart").data.map(({ x }) => x.length),
  window.optoscope.charts.metric.places.sequences.length,
]
"""


def test_a_smoothed_chart_keeps_what_came_live_when_it_is_drawn_again(page, program):
    run_id = program.launch(ENDLESS, "Smoothed while it trains")
    page.goto(f"/runs/{run_id}?smooth=0.6")
    held = await_points(page, came_with(page) + 3)

    page.evaluate("() => document.dispatchEvent(new Event('themechange'))")

    assert points(page) >= held
    lengths = page.evaluate(LENGTHS)
    assert len(set(lengths)) == 1, "measured, smoothed, and what numbers are looked up by"
    program.cancel(run_id)


def test_an_error_of_the_server_leaves_the_page_as_it_is(page, watch, finished_run):
    watch.allow("503")
    page.goto(f"/runs/{finished_run}")
    page.wait_for_function("() => window.optoscope && window.htmx")
    name = page.locator("#status h1").inner_text()
    away = "<!doctype html><title>Away</title><body><header class=bar></header><h1>Away</h1>"
    page.route("**/status", lambda route: route.fulfill(status=503, body=away))

    with page.expect_response("**/status"):
        page.evaluate("() => window.htmx.trigger('#status', 'refresh')")

    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    expect(page.locator("#status h1")).to_have_text(name)
    expect(page.locator("header.bar")).to_have_count(1)


def test_a_figure_that_could_not_be_had_is_told_and_asked_for_again(page, watch, finished_run):
    watch.allow("503")
    page.goto(f"/runs/{finished_run}")
    page.wait_for_function("() => window.optoscope")
    page.route("**/figures/accuracy*", lambda route: route.fulfill(status=503), times=1)

    page.locator("#metric").select_option("accuracy")

    expect(page.locator("#toasts")).to_contain_text("could not be brought up to date")
    page.wait_for_function(
        "() => document.getElementById('loss-chart').data[0].meta.metric === 'accuracy'"
    )


def test_the_table_of_runs_keeps_itself_up_to_date(page, program):
    run_id = program.launch(ENDLESS, "In the table")
    page.goto("/runs")
    row = page.locator(f"#run-{run_id}")
    expect(row).to_contain_text("running")
    expect(row.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", "0")

    program.cancel(run_id)
    expect(row).to_contain_text("cancelled")


def test_frames_follow_live_until_scrubbed_and_again_when_asked(page, program):
    run_id = program.launch(ENDLESS, "Scrubbed while it trains")
    page.goto(f"/runs/{run_id}")
    slider, follow = page.get_by_role("slider", name="Frame"), page.locator("#follow-live")
    expect(follow).to_have_attribute("aria-pressed", "true")

    until_frames(page, 2)
    slider.focus()
    slider.press("Home")
    expect(follow).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#frame-text")).to_contain_text("· 0 sequences")
    until_frames(page, 1 + page.evaluate(FRAMES))
    expect(slider).to_have_value("0")

    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    until_frames(page, 1 + page.evaluate(FRAMES))
    page.wait_for_function(
        "() => Number(document.getElementById('frame-slider').value)"
        " === window.optoscope.attention.frames.sequences.at(-1)"
    )


FRAMES = "() => window.optoscope.attention.frames.sequences.length"


def until_frames(page: Page, count: int) -> None:
    page.wait_for_function(f"count => ({FRAMES})() >= count", arg=count)


def test_every_frame_shows_the_attention_that_the_api_has(page, program, finished_run):
    page.goto(f"/runs/{finished_run}")
    slider = page.get_by_role("slider", name="Frame")
    attention = page.get_by_role("region", name="Attention")
    attention.get_by_role("button", name=re.compile("^Layer 2, head 1")).click()
    frames = program.get(f"/runs/{finished_run}/frames")["sequences"]
    assert len(frames) > 3

    slider.focus()
    slider.press("Home")
    for place, sequences in enumerate(frames):
        expect(page.locator("#frame-text")).to_have_text(
            f"frame {place + 1} of {len(frames)} · {sequences:,} sequences"
        )
        patterns = program.get(f"/runs/{finished_run}/frames", sequences=sequences)["patterns"]
        wanted = [number for row in patterns[1][1][0] for number in row]
        assert shown_numbers(page) == pytest.approx(wanted, abs=0.00501)
        slider.press("ArrowRight")


def shown_numbers(page: Page) -> list[float]:
    """The large map, row by row; what lies in the future is 0."""
    rows = page.get_by_role("region", name="Attention").locator("table tbody tr")
    text = rows.evaluate_all(
        "rows => rows.map(row => [...row.cells].slice(1).map(cell => cell.innerText))"
    )
    return [float(number.replace("−", "-") or 0) for row in text for number in row]


def test_the_probes_drawings_are_along_both_axes(page, program, finished_run):
    page.goto(f"/runs/{finished_run}")
    first = program.get(f"/runs/{finished_run}/probe")["sequences"][0]["tokens"]
    drawings = [token["image"] for token in first if token["image"]]
    letters = [token["text"] for token in first if not token["image"]]
    assert len(drawings) == 3

    table = page.get_by_role("region", name="Attention").get_by_role("table")
    for axis in ("columnheader", "rowheader"):
        headings = table.get_by_role(axis)
        expect(headings).to_have_count(len(first))
        assert headings.locator(".glyph").evaluate_all(DRAWINGS) == drawings
        assert [text for text in headings.all_inner_texts() if text] == letters


DRAWINGS = r"""
marks => marks.map(mark => mark.style.getPropertyValue("--drawing").replace(/^url\("|"\)$/g, ""))
"""
