"""Every page at every width, light and dark."""

import pytest
from playwright.sync_api import Page, expect

WIDTHS = (360, 1024, 1440)
UNITS = {
    "loss-chart": "loss (nats)",
    "previous-token-chart": "attention one back, 0: uniform",
    "induction-chart": "attention, correct − wrong",
}
TOO_WIDE = """
() => {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll("body *")].filter(element => {
    const box = element.getBoundingClientRect();
    return box.right > width + 1 && !element.closest(".scroll, pre, svg");
  });
  return document.documentElement.scrollWidth > width
    ? [`${document.documentElement.scrollWidth} px in ${width} px`,
       ...wide.map(({tagName, id, className}) => `${tagName}#${id}.${className}`)]
    : [];
}
"""
BRIGHTNESS = """
() => {
  const { backgroundColor } = getComputedStyle(document.documentElement);
  return Math.max(...backgroundColor.match(/[\\d.]+/g).map(Number));
}
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_their_window_in_light_and_dark(browse, finished_run, width):
    page = browse(viewport={"width": width, "height": 900})
    for path in (
        "/runs",
        "/runs/new",
        "/studies",
        "/studies/new",
        "/workers",
        "/guide",
        "/docs",
        f"/runs/{finished_run}",
    ):
        page.emulate_media(color_scheme="dark")
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            if path.endswith(finished_run):
                charts_are_there(page)
            assert page.evaluate(TOO_WIDE) == [], (path, scheme)
            assert (page.evaluate(BRIGHTNESS) < 100) == (scheme == "dark"), path


def charts_are_there(page: Page) -> None:
    """With both axes named, and what they count in."""
    for chart, unit in UNITS.items():
        expect(page.locator(f"#{chart} .ytitle")).to_have_text(unit)
        expect(page.locator(f"#{chart} .xtitle")).to_have_text("sequences seen")


def test_a_page_that_is_not_there_says_so_and_fits(browse, watch):
    watch.allow("status of 404")
    page = browse(viewport={"width": 360, "height": 900})
    page.goto("/runs/nothing")
    expect(page.get_by_role("alert")).to_contain_text("There is no run 'nothing'")
    assert page.evaluate(TOO_WIDE) == []


def test_the_theme_that_was_chosen_outlasts_a_reload(browse, finished_run):
    page = browse(color_scheme="light")
    page.goto(f"/runs/{finished_run}")
    charts_are_there(page)
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_label("Dark").check()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = page.evaluate(BRIGHTNESS)
    assert dark < 100

    page.reload()
    charts_are_there(page)
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(BRIGHTNESS) == dark
    page.goto("/runs")
    assert page.evaluate(BRIGHTNESS) == dark
