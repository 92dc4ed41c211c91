"""From a frame on a run's page to a fork of the checkpoint before it, with other clamps."""

import re

from playwright.sync_api import expect

RUN_PAGE = re.compile(r"/runs/[a-z0-9]{10}$")
SAVED, SHOWN = 4_800, 6_400  # a checkpoint, and the frame after it
IS_DRAWN = "place => window.optoscope.charts.metric.xs.at(-1) === place"
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

    page.get_by_role("link", name="Fork", exact=True).click()
    expect(page.locator("#fork_at")).to_have_value(f"{SAVED:,}")
    page.get_by_text("Program as JSON").click()
    page.get_by_role("textbox", name="Program as JSON").fill(ABLATE)
    page.get_by_label("Name").fill("Forked by hand")
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
    lineage.get_by_role("link").click()
    expect(page.locator("#lineage")).to_contain_text("forks: Forked by hand at 4,800 (finished)")
