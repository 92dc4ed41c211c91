"""The charts of a run's page: what they show, zoomed, smoothed and sent to somebody else."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from app.services.wording import nats
from tests.browser.support.axe import violations
from tests.browser.support.charts import CHARTS, EVALUATORS, ROUNDED, await_points, drawn
from tests.browser.support.program import SMALL
from tests.integration.support.wait import until

METRICS = (
    "accuracy",
    "in_context_accuracy",
    "correct_probability",
    "context_probability",
    "loss",
)
HEADS = [(layer, head) for layer in range(2) for head in range(SMALL["model"]["heads"])]
DATA = "chart => document.getElementById(chart).data.map(({meta, x, y, z}) => ({meta, x, y, z}))"
RANGES = "charts => charts.map(chart => document.getElementById(chart).layout.xaxis.range)"
REPORTED = "() => document.getElementById('chart-0')._fullLayout.xaxis.range"
PICTURE = "() => document.querySelector('canvas').toDataURL()"
SHOWN = "() => document.getElementById('loss-chart').data[0].meta.metric"


# Of the loss chart: from where to where its plot and its first line lie, in pixels; where the label
# of the dashed line begins; and the ticks of the y axis.
DRAWN = """
() => {
  const chart = document.querySelector("#loss-chart");
  const box = (selector) => chart.querySelector(selector).getBoundingClientRect();
  const plot = box(".nsewdrag"), line = box(".scatterlayer .js-line");
  const labels = [...chart.querySelectorAll(".annotation")];
  const guess = labels.find((one) => one.textContent === "ln 2")?.getBoundingClientRect();
  const ticks = [...chart.querySelectorAll(".ytick text")];
  return {
    plot: [plot.left, plot.right], line: [line.left, line.right], label: guess?.left,
    ticks: ticks.map((one) => one.textContent),
    sizes: ticks.map((one) => getComputedStyle(one).fontSize),
  };
}
"""

WHOLE_AND_LOG = """
() => {
  const { xaxis, yaxis } = document.querySelector("#loss-chart").layout;
  return yaxis.type === "log" && xaxis.range[0] === 0;
}
"""


@pytest.fixture
def recorded(program, finished_run) -> dict[str, list[Any]]:
    return program.series(finished_run)


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_function("() => window.optoscope")
    page.evaluate("() => window.optoscope.ready")
    return page


def test_every_metric_and_drawing_shows_the_numbers_of_the_api(page, finished_run, recorded):
    opened(page, f"/runs/{finished_run}")

    for metric in METRICS:
        page.locator("#view-bar").get_by_label("Show").select_option(metric)
        page.wait_for_function(f"metric => ({SHOWN})() === metric", arg=metric)
        charts = drawn(page)
        for evaluator in EVALUATORS:
            x, y = charts[f"{metric}.{evaluator}"]
            assert x == recorded["sequences"]
            assert y == pytest.approx(recorded[f"{metric}.{evaluator}"], abs=ROUNDED)
    for name in ("previous_token", "induction"):
        page.locator(f'[data-drawing-of="{name}"] [data-drawing="heatmap"]').click()
        (picture,) = await_picture(page, f"{name.replace('_', '-')}-chart")
        assert picture["x"] == recorded["sequences"]
        for (layer, head), row in zip(HEADS, picture["z"], strict=True):
            series = recorded[f"{name}_strength.L{layer}H{head}"]
            assert row == pytest.approx(series, abs=ROUNDED)


def await_picture(page: Page, chart: str) -> list[dict[str, Any]]:
    page.wait_for_function(f"chart => ({DATA})(chart)[0].z", arg=chart)
    traces: list[dict[str, Any]] = page.evaluate(DATA, chart)
    return traces


def test_a_zoomed_and_smoothed_view_is_kept_by_its_address_and_told_by_its_legend(
    page, browse, finished_run, recorded
):
    opened(page, f"/runs/{finished_run}")
    drag(page.locator("#loss-chart .nsewdrag"), 0.25, 0.75)
    expect(page).to_have_url(re.compile("from="))
    start, until = (int(parse_qs(urlsplit(page.url).query)[end][0]) for end in ("from", "to"))
    inside = [place for place in recorded["sequences"] if start <= place <= until]
    assert 10 < len(inside) < 20
    expect(page.locator("#points")).to_contain_text(f"{len(inside)} points")
    # Lines go on to a point beyond either edge.
    assert all(x[1:-1] == inside for x, _ in drawn(page).values()), "in every chart"
    for low, high in page.evaluate(RANGES, CHARTS):
        assert (low, high) == (start, until)

    page.get_by_label("Smoothing").fill("0.6")
    page.locator("[data-evaluator=train]").click()
    page.get_by_role("button", name="Logarithmic y axis").click()
    before = recorded["sequences"].index(inside[0]) - 1
    numbers = recorded["loss.train"][before:][: len(inside) + 2]
    expect(page).to_have_url(re.compile("hide=train"))
    assert smoothed(page) == pytest.approx(averaged(numbers, 0.6), abs=10 * ROUNDED)

    sent = opened(browse(), page.url)
    assert smoothed(sent) == smoothed(page)
    assert sent.evaluate(RANGES, CHARTS) == page.evaluate(RANGES, CHARTS)
    expect(sent.locator("#smoothing-text")).to_have_text("0.60")
    expect(sent.locator("[data-evaluator=train]")).to_have_attribute("aria-pressed", "false")
    assert sent.evaluate("() => document.getElementById('loss-chart').layout.yaxis.type") == "log"

    chart = sent.locator("#induction-chart .nsewdrag")
    chart.hover()
    expect(sent.locator(".hairline:visible")).to_have_count(len(CHARTS))
    at = int(sent.locator("#cursor-text").inner_text().split()[1].replace(",", ""))
    number = recorded["loss.new_classes"][recorded["sequences"].index(at)]
    expect(sent.get_by_role("button", name="new classes")).to_contain_text(nats(number))

    chart.dblclick()
    await_points(sent, len(recorded["sequences"]))
    expect(sent).not_to_have_url(re.compile("from="))


def drag(plot: Locator, start: float, end: float) -> None:
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    mouse, middle = plot.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + start * box["width"], middle)
    mouse.down()
    mouse.move(box["x"] + end * box["width"], middle, steps=5)
    mouse.up()


def smoothed(page: Page) -> list[float]:
    """The smoothed line of the train evaluator."""
    page.wait_for_function(f"() => ({DATA})('loss-chart').some(({{meta}}) => meta.smoothed)")
    twins = [t for t in page.evaluate(DATA, "loss-chart") if t["meta"].get("smoothed")]
    numbers: list[float] = next(t["y"] for t in twins if t["meta"]["evaluator"] == 0)
    return numbers


def averaged(numbers: list[float], weight: float) -> list[float]:
    """The mean of all numbers so far, each weighing `weight` times as much as the next."""
    return [
        sum(weight ** (last - i) * numbers[i] for i in range(last + 1))
        / sum(weight**i for i in range(last + 1))
        for last in range(len(numbers))
    ]


def test_a_chart_is_saved_as_a_drawing_with_its_title_and_as_pixels(page, finished_run):
    opened(page, f"/runs/{finished_run}")
    menu = page.locator('[data-downloads-of="induction"]')
    saved: dict[str, bytes] = {}
    for kind in ("PNG", "SVG"):
        menu.locator("summary").click()
        with page.expect_download() as download:
            menu.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"{finished_run}-induction.{kind.lower()}"
        saved[kind] = Path(download.value.path()).read_bytes()

    assert saved["PNG"].startswith(b"\x89PNG")
    drawing = saved["SVG"].decode()
    assert "A finished run · induction strength" in drawing
    assert "sequences seen" in drawing
    assert "attention, correct − wrong" in drawing


def test_a_picture_of_a_dark_page_is_for_light_paper_and_as_wide_as_it(browse, finished_run):
    page = opened(browse(color_scheme="dark"), f"/runs/{finished_run}")
    menu = page.locator('[data-downloads-of="metric"]')
    menu.locator("summary").click()
    with page.expect_download() as download:
        menu.get_by_role("button", name="SVG").click()

    drawing = Path(download.value.path()).read_text()
    assert "rgb(238, 242, 247)" not in drawing, "the ink of the dark theme"
    ground = re.search(r'<svg[^>]*><rect x="0" y="0" [^>]*style="fill: (rgb[^;]+);', drawing)
    assert ground
    assert ground[1] == "rgb(255, 255, 255)"
    plots = re.findall(r'<clipPath[^>]*><rect width="([0-9.]+)"', drawing)
    assert max(map(float, plots)) > 0.85 * 1000, "beside the legend, not beside a column of it"


def test_a_part_is_drawn_to_both_edges_and_the_dashed_line_is_named_beside_it(page, finished_run):
    """Edges that lie between two measurements, 320 sequences apart."""
    page.goto(f"/runs/{finished_run}?from=1000&to=5000")
    expect(page.locator("#loss-chart .xtitle")).to_be_visible()
    part = page.evaluate(DRAWN)
    assert part["line"][0] <= part["plot"][0] + 1
    assert part["line"][1] >= part["plot"][1] - 1

    page.get_by_role("button", name="Whole run").click()
    page.get_by_role("button", name="log y").click()
    page.wait_for_function(WHOLE_AND_LOG)
    whole = page.evaluate(DRAWN)
    assert whole["label"] >= whole["plot"][1], "beside the curves"
    assert all(re.fullmatch(r"0\.\d+|[1-9]\d*(\.\d+)?", tick) for tick in whole["ticks"])
    assert len(set(whole["sizes"])) == 1, "none is smaller than the others"


def test_the_list_of_checkpoints_cuts_no_row_and_leads_to_the_phase_change(page, finished_run):
    page.goto(f"/runs/{finished_run}")
    room, row = page.locator("#checkpoints .scroll"), page.locator("#checkpoints tbody tr").first
    heights = [room.evaluate("one => one.clientHeight"), row.evaluate("one => one.offsetHeight")]
    limit = float(room.evaluate("one => parseFloat(getComputedStyle(one).maxHeight)"))
    assert heights[0] <= limit
    assert limit % heights[1] == 0

    link = page.locator("#checkpoints .near a").filter(has_text="midpoint")
    target = str(link.get_attribute("href"))
    link.click()
    expect(page.locator(target)).to_be_in_viewport()


def pinch(page: Page, chart: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Two fingers go from the one pair of places to the other, in shares of the chart's width."""
    box = page.locator(chart).bounding_box()
    assert box is not None
    y, hand = box["y"] + box["height"] / 2, page.context.new_cdp_session(page)
    for kind, pair in (("touchStart", start), ("touchMove", end), ("touchEnd", ())):
        points = [{"x": box["x"] + share * box["width"], "y": y} for share in pair]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_two_fingers_zoom_charts_to_what_is_between_them_and_out_again(browse, finished_run):
    page = browse(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/runs/{finished_run}")
    page.locator("#loss-chart .xtitle").scroll_into_view_if_needed()
    span = "() => document.getElementById('loss-chart')._fullLayout.xaxis.range"
    whole = page.evaluate(span)

    pinch(page, "#loss-chart", (0.4, 0.6), (0.3, 0.7))
    page.wait_for_function("() => new URLSearchParams(location.search).has('from')")
    low, high = page.evaluate(span)
    assert (high - low) / (whole[1] - whole[0]) == pytest.approx(0.5, abs=0.02)
    strengths = "() => document.getElementById('induction-chart')._fullLayout.xaxis.range"
    assert page.evaluate(strengths) == pytest.approx([low, high], rel=0.01)
    assert page.evaluate("() => visualViewport.scale") == 1

    pinch(page, "#loss-chart", (0.2, 0.8), (0.45, 0.55))
    page.wait_for_function("() => !new URLSearchParams(location.search).has('from')")

    page.goto(f"/compare?runs={finished_run}")
    page.locator("#compare-chart .xtitle").scroll_into_view_if_needed()
    pinch(page, "#compare-chart", (0.4, 0.6), (0.3, 0.7))
    page.wait_for_function("() => new URLSearchParams(location.search).has('from')")


def test_a_report_opens_offline_with_zoom_and_frames(browser, program, finished_run, tmp_path):
    file = tmp_path / "report.html"
    with program.client as client:
        file.write_bytes(client.get(f"/runs/{finished_run}/report.html").content)
    context = browser.new_context(viewport={"width": 1000, "height": 900}, offline=True)
    asked, errors = [], []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())

    expect(page.locator("html")).to_have_attribute("data-drawn", "true")
    expect(page.locator("#chart-0 .xtitle")).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    # Zoom: by dragging, and back by a double click.
    whole = page.evaluate(REPORTED)
    box = page.locator("#chart-0 .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 3, y + 1, steps=5)
    page.mouse.up()
    until(lambda: page.evaluate(REPORTED)[0] > whole[0] + 1)
    # Frames: another one is another picture.
    last = page.evaluate(PICTURE)
    page.locator("#frame").focus()
    page.keyboard.press("Home")
    expect(page.locator("#frame-at")).to_have_text("0 sequences")
    assert page.evaluate(PICTURE) != last
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("color", "rgb(238, 242, 247)")
    page.set_viewport_size({"width": 390, "height": 844})
    until(lambda: page.evaluate("document.querySelector('#chart-0 svg').clientWidth") < 390)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []
    assert errors == []
    context.close()


def test_a_legend_is_of_the_heads_of_one_layer_and_hides_them_alone(page, finished_run):
    page.goto(f"/runs/{finished_run}")
    first, last = (
        page.locator("#previous-token-chart-legend"),
        page.locator("#induction-chart-legend"),
    )
    expect(first).to_contain_text("layer 1")
    expect(last).to_contain_text("layer 2")

    first.get_by_role("button", name="head 0").click()

    expect(first.get_by_role("button", name="head 0")).to_have_attribute("aria-pressed", "false")
    expect(last.get_by_role("button", name="head 0")).to_have_attribute("aria-pressed", "true")
    shown = "name => optoscope.charts[name].element.data.filter(one => one.visible === true).length"
    assert page.evaluate(shown, "previous_token") == 1
    assert page.evaluate(shown, "induction") == 2
    page.wait_for_url("**?previous_token_hide=0*")

    layers = page.get_by_role("group", name="Layer of previous-token strength")
    layers.get_by_role("button", name="Layer 2").click()
    expect(first).to_contain_text("layer 2")
