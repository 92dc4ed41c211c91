"""Runs side by side: compared, grouped, aligned, hidden, and the same again in a fresh browser."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations
from tests.browser.support.program import ENDLESS, SMALL

ROUNDED = 1e-4  # figures have five digits
CURVES = """
() => Object.fromEntries(document.getElementById('compare-chart').data.map(({uid, x, y, visible}) =>
  [uid, {x: Array.from(x), y: Array.from(y), visible: visible ?? true}]))
"""


@pytest.fixture(scope="module")
def runs(program, finished_run) -> list[str]:
    """Two finished runs that differ in a seed and in length."""
    changes = {"seeds": {"initial": 7}, "training": SMALL["training"] | {"sequences": 4_800}}
    other = program.launch(SMALL | changes, "Another seed")
    assert program.finished(other)["state"] == "finished", program.report()
    return [finished_run, other]


def curves(page: Page) -> dict[str, dict]:
    page.wait_for_function("() => document.getElementById('compare-chart').data")
    return page.evaluate(CURVES)


def await_curves(page: Page, condition: str) -> None:
    """Until this holds of the traces of the chart."""
    page.wait_for_function(
        f"() => {{ const traces = document.getElementById('compare-chart').data; {condition} }}"
    )


def numbers_at(series: list[dict], at: int) -> list[float]:
    """What is drawn of each run at a place, on the line between two measurements; largest first."""
    found = [float(np.interp(at, one["sequences"], one["loss.train"])) for one in series]
    return sorted(found, reverse=True)


ANOTHER_THEME = "() => document.dispatchEvent(new Event('themechange'))"


def test_runs_are_compared_and_one_is_taken_from_the_other(page, program, runs):
    first, second = runs
    page.goto(f"/compare?runs={first}")
    page.get_by_label("Add runs").fill("another seed")
    added = page.get_by_role("list", name="Runs to add").get_by_role("link")
    expect(added).to_have_count(1)
    added.click()
    page.wait_for_url(re.compile(f"runs={first},{second}"))

    drawn, series = curves(page), [program.series(run_id) for run_id in runs]
    assert list(drawn) == runs
    for run_id, recorded in zip(runs, series, strict=True):
        assert drawn[run_id]["x"] == recorded["sequences"]
        assert drawn[run_id]["y"] == pytest.approx(recorded["loss.train"], rel=ROUNDED)
    differing = page.get_by_role("region", name="What differs").first
    expect(differing).to_contain_text("Initial weights (seed)")

    chart = page.locator("#compare-chart")
    for _ in range(11):
        chart.press("ArrowRight")
    at = int(re.sub(r"\D", "", page.locator("#cursor-title").inner_text()))
    shown = [float(text) for text in page.locator("#legend-table [data-cursor]").all_inner_texts()]
    assert shown == pytest.approx(numbers_at(series, at), abs=6e-4)

    page.get_by_label("Minus").select_option(first)
    await_curves(page, "return traces.length === 1;")
    less = curves(page)[second]
    assert less["x"] == series[1]["sequences"]  # as far as both go
    pairs = zip(series[1]["loss.train"], series[0]["loss.train"], strict=False)
    assert less["y"] == pytest.approx([a - b for a, b in pairs], rel=ROUNDED, abs=1e-9)


def test_runs_are_grouped_aligned_hidden_and_found_again_by_the_link(page, browse, program, runs):
    first, second = runs
    page.goto(f"/compare?runs={first},{second}")
    page.get_by_label("Group", exact=True).select_option("All runs together")
    await_curves(page, "return traces.some(({uid}) => uid === 'mean-0');")
    expect(page.locator("#legend-table tbody tr")).to_have_count(1)
    expect(page.locator("#legend-table .who")).to_have_text("all runs 2 runs, 2 seeds")
    page.locator("#compare-chart").hover()
    expect(page.locator("#readout p").nth(1)).to_have_text(re.compile(r"^all runs .+2 runs$"))
    page.get_by_label("Group", exact=True).select_option("Every run apart")
    page.get_by_label("Align by").select_option("Midpoint of the phase change")
    await_curves(page, "return traces[0].x[0] < 0;")
    origin = round(program.run(first)["phase_change"]["midpoint"])
    places = program.series(first)["sequences"]
    assert curves(page)[first]["x"] == [place - origin for place in places]

    page.get_by_label("Show", exact=True).select_option("induction_strength.L1R1")
    await_curves(page, "return traces[0].y.every((number) => number <= 1);")
    page.get_by_role("button", name="Show Another seed").click()
    await_curves(page, "return traces.some(({visible}) => visible === false);")

    query = parse_qs(urlsplit(page.url).query)
    assert query["align"] == ["midpoint"]
    assert query["hidden"] == [second]
    fresh = browse(color_scheme="dark", viewport={"width": 360, "height": 740})
    fresh.goto(page.url)
    assert curves(fresh) == curves(page)
    expect(fresh.get_by_label("Align by")).to_have_value("midpoint")
    hidden = fresh.get_by_role("button", name="Show Another seed")
    expect(hidden).to_have_attribute("aria-pressed", "false")
    assert fresh.evaluate("document.documentElement.scrollWidth") <= 360

    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert download.value.suggested_filename == "compare-induction_strength.L1R1.svg"


MOVED = 2e-3  # nats: lines are moved by whole sequences, their means by what is left, too
GROUPED = """
() => Object.fromEntries(document.getElementById('compare-chart').data.map(
  ({uid, x, y, customdata}) => [uid, {x: [...x], y: [...y], of: [...(customdata ?? [])]}]))
"""


def test_aligned_runs_have_the_threshold_as_their_mean_at_the_midpoint_and_it_says_of_how_many(
    page, runs, windowed_run
):
    three = [*runs, windowed_run]
    page.goto(f"/compare?runs={','.join(three)}&group=all&align=midpoint")
    await_curves(page, "return traces.some(({uid}) => uid === 'mean-0');")
    drawn = page.evaluate(GROUPED)
    mean = drawn["mean-0"]

    assert mean["y"][mean["x"].index(0)] == pytest.approx(np.log(2) / 2, abs=1e-3)
    lines = [drawn[run_id] for run_id in three]
    for x, y, of in zip(mean["x"], mean["y"], mean["of"], strict=True):
        inside = [
            np.interp(x, one["x"], one["y"]) for one in lines if one["x"][0] <= x <= one["x"][-1]
        ]
        if y is None:
            assert of is None
        else:
            assert of == len(inside)
            assert y == pytest.approx(np.mean(inside), abs=MOVED)
    # It breaks off where one run ends, and does not jump to that of the others.
    ends = mean["of"].index(None, mean["x"].index(0))
    assert (mean["of"][ends - 1], mean["of"][ends + 1]) == (3, 2)


HUES = "all => all.map(one => getComputedStyle(one).getPropertyValue('--hue').trim())"


def test_runs_of_one_comparison_have_colours_of_their_own_and_keep_them_by_the_link(
    page, browse, program, runs
):
    first, second = runs
    with program.client as client:
        taken = {"colour": program.run(first)["colour"]}
        client.patch(f"/runs/{second}", json=taken).raise_for_status()
    page.goto(f"/compare?runs={first},{second}")
    swatches = "#legend-table button.swatch i"
    expect(page.locator(swatches)).to_have_count(2)

    hues = page.locator(swatches).evaluate_all(HUES)

    assert len(set(hues)) == 2
    assert hues[1].lower() == taken["colour"].lower()
    fresh = browse()
    fresh.goto(page.url)
    expect(fresh.locator(swatches)).to_have_count(2)
    assert fresh.locator(swatches).evaluate_all(HUES) == hues
    with program.client as client:
        client.patch(f"/runs/{second}", json={"colour": None}).raise_for_status()


FIGURE = "(id) => document.getElementById(id)?.data?.map(({x, y, z}) => ({x, y, z}))"


FILLED = """
() => {
  const chart = document.querySelector(".compare-chart, .study-chart");
  return Math.abs(chart._fullLayout.height - chart.getBoundingClientRect().height) <= 1;
}
"""


def test_charts_are_as_high_as_their_places_whichever_view_was_first(page, program, runs):
    seeds = {"field": "seeds.initial", "values": [1, 2, 3]}
    study = program.post("/studies", base=ENDLESS, axes=[seeds])
    for path in (f"/compare?runs={','.join(runs)}", f"/studies/{study['id']}?group=each"):
        page.goto(path)
        for view in ("Small charts", "One chart", "Small charts"):
            page.get_by_role("button", name=view).click()
            expect(page.get_by_role("button", name=view)).to_have_attribute("aria-pressed", "true")
            page.wait_for_function(FILLED)
        for _ in range(3):  # faster than they are drawn
            for view in ("One chart", "Small charts"):
                page.get_by_role("button", name=view).click()
        page.wait_for_function(FILLED)
    program.cancel_all()


def test_settings_and_outcomes_open_are_chosen_by_a_click_and_found_again(page, browse, runs):
    page.goto(f"/compare?runs={','.join(runs)}")
    page.get_by_text("Settings and outcomes").click()
    page.wait_for_function(FIGURE, arg="outcome-heads-chart")
    expect(page.get_by_label("Up", exact=True)).to_have_value("midpoint")
    assert violations(page, "#outcomes") == []

    lines = page.locator("#outcome-parallel")
    lines.scroll_into_view_if_needed()
    box = lines.locator(".points path").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    pointed_at = "() => document.getElementById('outcome-parallel').data.at(-1).x.length > 1"
    page.wait_for_function(pointed_at)

    asked = page.locator('.pair[data-x="training.sequences"][data-y="final_loss.train"]')
    asked.click()
    expect(page.get_by_label("Up", exact=True)).to_have_value("final_loss.train")
    expect(asked).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#outcome-said")).to_contain_text("fewer than four runs")
    page.get_by_label("Across").select_option("All runs together")
    page.get_by_label("At", exact=True).select_option("Last measurement")
    expect(page.locator("#outcome-scatter .xtitle")).to_have_text("All runs together")

    fresh = browse(color_scheme="dark", viewport={"width": 360, "height": 740})
    fresh.goto(page.url)
    fresh.wait_for_function(FIGURE, arg="outcome-heads-chart")
    for figure in ("outcome-scatter", "outcome-parallel", "outcome-heads-chart"):
        assert fresh.evaluate(FIGURE, figure) == page.evaluate(FIGURE, figure)
    expect(fresh.get_by_label("At", exact=True)).to_have_value("last")
    assert fresh.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(fresh, "#outcomes") == []
    for name, said in OUTCOME_PICTURES.items():
        assert_picture(fresh, name, said)


# What stands in each: its title, and what is said of it or in it.
OUTCOME_PICTURES = {
    "scatter": ("Final loss, train against all runs together", "All runs together"),
    "correlations": ("Rank correlations", ">n 2<"),
    "parallel": ("Every run through its settings and outcomes", "passes below"),
    "heads": ("Induction strength of every head at the last measurement", "Layer 2"),
}


def assert_picture(page: Page, name: str, said: tuple[str, str]) -> None:
    with page.expect_download() as download:
        page.locator(f"[data-picture={name}][data-format=svg]").click()
    drawing = Path(download.value.path()).read_text()
    assert download.value.suggested_filename == f"outcomes-{name}.svg"
    for text in said:
        assert text in drawing, f"{name} says {text}"
    assert "fill: rgb(255, 255, 255)" in drawing.split("</rect>")[0], "light paper"


def test_a_picture_from_a_dark_page_is_dark_on_light_and_as_wide_as_the_paper(browse, runs):
    page = browse(color_scheme="dark")
    page.goto(f"/compare?runs={','.join(runs)}&group=all")
    await_curves(page, "return traces.some(({uid}) => uid === 'mean-0');")

    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()

    drawing = Path(download.value.path()).read_text()
    fills = re.findall(r'class="js-fill"[^>]*fill: (rgb\([^)]*\))', drawing)
    assert set(fills) == {"rgb(17, 22, 29)"}, "the range between the runs is ink, not white"
    widths = [
        float(width) for width in re.findall(r'<clipPath[^>]*><rect width="([0-9.]+)"', drawing)
    ]
    assert max(widths) > 0.9 * 1200
    assert "rgb(238, 242, 247)" not in drawing, "the ink of the dark theme"


def test_runs_that_train_go_on_beside_those_that_have_ended(page, program, finished_run):
    training = program.launch(ENDLESS, "It goes on")
    program.until(lambda: program.run(training)["sequences"] > 0, "measurement")
    page.goto(f"/compare?runs={finished_run},{training}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    before = len(curves(page)[training]["x"])
    reached = page.locator("#legend-table tbody tr").nth(1).locator("[data-at]")
    start = reached.inner_text()

    await_curves(page, f"return traces[1].x.length > {before} + 5;")
    expect(reached).not_to_have_text(start)
    held = len(curves(page)[training]["x"])
    page.evaluate(ANOTHER_THEME)
    assert len(curves(page)[training]["x"]) >= held, "what came live is drawn again"
    assert_beside_goes_on(page, training)
    page.get_by_text("Settings and outcomes").click()
    said = page.locator("#outcome-said")
    expect(said).to_contain_text("1 of 2 runs has not ended")
    program.cancel(training)
    program.finished(training)
    expect(said).not_to_contain_text("not ended")

    recorded, live = program.series(training), curves(page)[training]
    count = len(live["x"])
    assert live["x"] == recorded["sequences"][:count]
    assert live["y"] == pytest.approx(recorded["loss.train"][:count], rel=ROUNDED)


# Of both runs side by side: strengths as the circuit draws them, and where they were taken.
BESIDE = """() => [...document.querySelectorAll(".beside-run")].map(run => ({
  run: run.dataset.run,
  text: run.querySelector("[data-place]").textContent,
  nodes: [...run.querySelectorAll(".node")].map(
    ({dataset}) => [dataset.induction, dataset.previous].map(Number)),
}))"""


def test_two_runs_are_side_by_side_at_one_place_of_one_time_line(page, program, runs):
    page.goto(f"/compare?runs={','.join(runs)}")
    slider = page.get_by_role("slider", name="Place of both runs")
    assert_beside(page, program, runs, [9_600, 4_800])

    slider.press("Home")
    slider.press("ArrowRight")
    assert_beside(page, program, runs, [1_600, 1_600])
    assert_lines(page, [(0, 100), (0, 50)])
    box = page.locator(".beside-lines").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 3_300 / 9_600, box["y"] + 18)
    assert_beside(page, program, runs, [3_200, 3_200])

    midpoints = [program.run(run_id)["phase_change"]["midpoint"] for run_id in runs]
    assert all(midpoints)
    page.get_by_label("Align by").select_option("midpoint")
    expect(page.locator("#beside-note")).to_contain_text("midpoint of their phase change")
    assert_beside(page, program, runs, [1_600 * round(one / 1_600) for one in midpoints])
    before, after = max(midpoints), max(9_600 - midpoints[0], 4_800 - midpoints[1])
    assert_lines(page, [
        (100 * (before - one) / (before + after), 100 * end / (before + after))
        for one, end in zip(midpoints, (9_600, 4_800), strict=True)
    ])  # fmt: skip

    assert not violations(page, "#beside")

    page.get_by_role("button", name="Play the frames").click()
    expect(page.get_by_role("button", name="Play the frames")).to_be_visible()
    assert_beside(page, program, runs, [9_600, 4_800])


def test_a_place_of_two_runs_is_in_the_link(page, browse, program, runs):
    page.goto(f"/compare?runs={','.join(runs)}")
    slider = page.get_by_role("slider", name="Place of both runs")
    assert_beside(page, program, runs, [9_600, 4_800])
    for _ in range(3):
        slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"[?&]place=4800$"))

    fresh = browse()
    fresh.goto(page.url)
    assert_beside(fresh, program, runs, [4_800, 4_800])
    fresh.get_by_role("slider", name="Place of both runs").press("End")
    expect(fresh).not_to_have_url(re.compile("place="))
    page.get_by_label("Align by").select_option("midpoint")
    expect(page).not_to_have_url(re.compile("place="))
    slider.press("Home")
    expect(page).to_have_url(re.compile(r"[?&]place=-\d+$"))
    fresh.goto(page.url)
    assert_beside(fresh, program, runs, [0, 0])


def assert_beside(page: Page, program, runs: list[str], places: list[int]) -> None:
    """What is drawn of each run is its frame at its place."""
    for run_id, place in zip(runs, places, strict=True):
        said = page.locator(f'.beside-run[data-run="{run_id}"] [data-place]')
        expect(said).to_contain_text(f"{place:,} sequences · loss on new classes")
    for found, run_id, place in zip(page.evaluate(BESIDE), runs, places, strict=True):
        frame = program.get(f"/runs/{run_id}/frames", sequences=place)
        wanted = [
            [
                frame["induction_strength"][layer][head],
                frame["previous_token_strength"][layer][head],
            ]
            for layer in (1, 0)
            for head in range(SMALL["model"]["heads"])
        ]
        assert found["run"] == run_id
        assert found["nodes"] == wanted


def assert_beside_goes_on(page: Page, training: str) -> None:
    """The newest frame of a run that trains is on show, until somebody looks elsewhere."""
    slider = page.get_by_role("slider", name="Place of both runs")
    said = page.locator(f'.beside-run[data-run="{training}"] [data-place]')
    line = page.locator(f'[data-line="{training}"] .line')
    before, drawn = said.inner_text(), line.get_attribute("d")
    expect(said).not_to_have_text(before)
    expect(line).to_have_attribute("d", re.compile(f"^{re.escape(drawn)}L"))
    assert slider.evaluate("({ value, max }) => value === max")  # asked at once: it goes on

    slider.press("Home")
    expect(said).to_contain_text("0 sequences ·")
    most = slider.get_attribute("max")
    expect(slider).not_to_have_attribute("max", most)
    expect(slider).to_have_js_property("value", "0")


def assert_lines(page: Page, wanted: list[tuple[float, float]]) -> None:
    """Where the losses lie on the time line: left end and width, in percent."""
    drawn = page.locator(".beside-lines svg").evaluate_all(
        "all => all.map(({style}) => [style.left, style.width].map(parseFloat))"
    )
    assert drawn == [pytest.approx(one, abs=0.1) for one in wanted]
