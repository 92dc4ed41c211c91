"""From a frame on a run's page to a fork of the checkpoint before it, with other clamps."""

import re

import pytest
from playwright.sync_api import expect

RUN_PAGE = re.compile(r"/runs/[a-z0-9]{10}$")
SAVED, SHOWN = 4_800, 6_400  # a checkpoint, and the frame after it
IS_DRAWN = "place => window.optoscope.charts.metric.xs.at(-1) === place"
# The measured and the smoothed line, at the last place before the fork and where it begins.
BEFORE_AND_AFTER = """
place => {
  const { data } = document.getElementById("loss-chart");
  const twin = data.find(({ meta }) => meta.smoothed && meta.evaluator === 0);
  const at = data[0].x.indexOf(place);
  return [data[0].y.slice(at - 1, at + 1), twin.y.slice(at - 1, at + 1)];
}
"""
ABLATE = '[{"kind": "ablate", "site": "L1H0.v"}]'


def test_the_checkpoint_of_the_frame_on_show_is_forked_and_both_pages_say_so(
    page, program, finished_run
):
    page.goto(f"/runs/{finished_run}")
    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_have_value("9600")
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(page.locator("#frame-text")).to_contain_text(f"{SHOWN:,}")

    page.goto(f"/runs/new?fork={finished_run}")
    # Of its very end there would be nothing to train.
    expect(page.get_by_role("combobox", name="Checkpoint")).to_have_value(f"{SAVED:,}")
    expect(page.locator("#error-fork_at")).to_have_text("")
    page.go_back()
    slider.fill(str(SHOWN))
    page.get_by_role("link", name="Fork", exact=True).click()
    expect(page.locator("#fork_at")).to_have_value(f"{SAVED:,}")
    page.get_by_text("Program as JSON").click()
    page.get_by_role("textbox", name="Program as JSON").fill(ABLATE)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(RUN_PAGE)

    lineage = page.locator("#lineage")
    expect(lineage).to_have_text(
        f"forked from A finished run at {SAVED:,} sequences, optimiser kept"
    )
    expect(page.locator("#loss-chart")).to_contain_text("fork 4.8k")
    run_id = page.url.rpartition("/")[2]
    assert program.finished(run_id)["state"] == "finished", program.report()
    expect(page.locator("#sequences")).to_have_text("9,600")
    page.wait_for_function(IS_DRAWN, arg=9_600)  # a moment after the number
    drawn = page.evaluate("() => window.optoscope.charts.metric.xs")
    stored = program.get(f"/runs/{run_id}/measurements", series="loss.train")["sequences"]
    assert drawn == stored == list(range(0, 9_601, 320))
    # The phase change was its parent's; an average does not reach across the fork.
    expect(page.locator("#status .mark")).to_have_count(0)
    expect(page.locator("#events")).not_to_contain_text("Phase change: midpoint")
    page.get_by_label("Smoothing").fill("0.9")
    page.wait_for_function("() => document.getElementById('loss-chart').data.length > 4")
    measured, smoothed = page.evaluate(BEFORE_AND_AFTER, SAVED)
    assert smoothed[1] == pytest.approx(measured[1])
    assert smoothed[0] != pytest.approx(measured[0])

    lineage.get_by_role("link").click()
    expect(page.locator("#lineage")).to_contain_text(
        f"A finished run, forked at {SAVED:,} at {SAVED:,} (finished)"
    )
    page.goto(f"/runs/new?like={run_id}")
    expect(page.get_by_label("Name")).to_have_value("")
    expect(page.get_by_label("Name")).not_to_have_attribute("placeholder", re.compile("forked"))
