"""The circuit of a run, its attention, and the time line that moves both: what is drawn is what the
API gives for that frame."""

import re
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.support.program import ENDLESS, SMALL
from tests.browser.test_live import shown_numbers

NODES = """() => [...document.querySelectorAll(".live-circuit .node")].map(node => [
  node.dataset.layer, node.dataset.head, node.dataset.previous, node.dataset.induction,
].map(Number))"""
LINES = """() => [...document.querySelectorAll(".live-circuit .lines path")]
  .filter(path => path.style.display !== "none")
  .map(({dataset}) => [dataset.from, dataset.to, Number(dataset.score), Number(dataset.excess)])"""
PREVIEW = "place => window.optoscope.cursor.set(place)"
READINGS = {"q": "query", "k": "key", "v": "value"}
HEADS = range(SMALL["model"]["heads"])
THINNEST = 0.06  # of the widest line


@pytest.fixture
def frames(program, finished_run) -> list[dict[str, Any]]:
    """The first and the last."""
    places = program.get(f"/runs/{finished_run}/frames")["sequences"]
    return [
        program.get(f"/runs/{finished_run}/frames", sequences=place)
        for place in (places[0], places[-1])
    ]


def test_heads_and_lines_are_those_of_the_frame_on_show(page, finished_run, frames):
    first, last = frames
    page.goto(f"/runs/{finished_run}")

    await_frame(page, last)
    assert_nodes(page, last)
    expect(page.locator("#circuit-full")).to_contain_text("more than in the first frame")
    drawn = 0
    for reading, name in READINGS.items():
        page.get_by_role("button", name=name, exact=True).click()
        drawn += assert_lines(page, last, reading=reading, zero=first["composition"])
    page.locator("#circuit-over").select_option("chance")
    drawn += assert_lines(page, last, reading="v", zero=last["composition"]["chance"])
    assert drawn

    page.evaluate(PREVIEW, 0)
    await_frame(page, first)
    assert_nodes(page, first)
    expect(page.locator("#frame-slider")).to_have_value("0")
    page.evaluate(PREVIEW, None)
    await_frame(page, last)
    expect(page.locator("#follow-live")).to_have_attribute("aria-pressed", "true")


def await_frame(page: Page, frame: dict[str, Any]) -> None:
    expect(page.locator("#frame-text")).to_contain_text(f"· {frame['sequences']:,} sequences")


def assert_nodes(page: Page, frame: dict[str, Any]) -> None:
    strengths = {
        (layer, head): (frame["previous_token_strength"][layer][head], of_head)
        for layer, heads in enumerate(frame["induction_strength"])
        for head, of_head in enumerate(heads)
    }
    shown = {(layer, head): tuple(numbers) for layer, head, *numbers in page.evaluate(NODES)}
    assert shown == strengths


def assert_lines(page: Page, frame: dict[str, Any], *, reading: str, zero: Any) -> int:
    """`zero`: a score, or the composition of another frame. How many lines there are."""
    drawn = {(start, end): (score, excess) for start, end, score, excess in page.evaluate(LINES)}
    least, wanted = least_of(page, THINNEST), {}
    for later, earlier in product(HEADS, HEADS):
        score = frame["composition"][reading][1][later][0][earlier]
        excess = score - (zero if isinstance(zero, float) else zero[reading][1][later][0][earlier])
        if excess >= least:
            wanted[f"0.{earlier}", f"1.{later}"] = (score, pytest.approx(excess))
    assert drawn == wanted
    return len(drawn)


def least_of(page: Page, share: float) -> float:
    """What the thinnest line stands for, by the legend."""
    said = page.locator("#circuit-full").inner_text()
    return share * float(said.split(", ")[1].split()[0])


def test_a_difference_and_a_choice_of_heads_reopen_by_the_address(
    page, browse, finished_run, frames
):
    first, last = frames
    page.goto(f"/runs/{finished_run}")
    node = page.get_by_role("region", name="Circuit", exact=True).get_by_role("button")
    node.filter(has=page.locator("circle")).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_label("Compare attention with").select_option("first")
    expect(page.locator("#compare-note")).to_contain_text("minus the frame at 0 sequences")
    (layer, head), change = selected(page), []
    for now, before in zip(
        last["patterns"][layer][head][0], first["patterns"][layer][head][0], strict=True
    ):
        change += [one - other for one, other in zip(now, before, strict=True)]
    assert shown_numbers(page) == pytest.approx(change, abs=0.00501)

    page.wait_for_function("() => location.hash.endsWith('.minus-first')")
    other = browse()
    other.goto(page.url)
    expect(other.locator("#compare-note")).to_contain_text("minus the frame at 0 sequences")
    assert selected(other) == (layer, head)
    assert shown_numbers(other) == shown_numbers(page)


def selected(page: Page) -> tuple[int, int]:
    chosen = page.locator('#head-maps [aria-pressed="true"]')
    return int(chosen.get_attribute("data-layer")), int(chosen.get_attribute("data-head"))


def test_a_run_minus_itself_is_nothing_and_one_that_is_not_there_is_not_subtracted(
    page, finished_run, watch
):
    watch.allow("404")
    page.goto(f"/runs/{finished_run}")
    page.get_by_label("Compare attention with").select_option("other")
    field = page.get_by_label("Run id")
    field.fill("No such run!")
    field.press("Enter")
    expect(page.locator("#compare-note")).to_contain_text("small letters and digits")
    field.fill("nosuchrun1")
    field.press("Enter")
    expect(page.locator("#compare-note")).to_contain_text("There is no run nosuchrun1")
    field.fill(finished_run)
    field.press("Enter")
    expect(page.locator("#compare-note")).to_have_text(
        re.compile("^minus its frame at [0-9,]+ sequences.$")
    )
    assert set(shown_numbers(page)) == {0}
    expect(page.locator("#attention")).to_have_class(re.compile("is-difference"))

    page.evaluate(SEE_FLASHES)
    page.get_by_role("slider", name="Frame").press("Home")
    expect(page.locator("#compare-note")).to_have_text("minus its frame at 0 sequences.")
    assert page.evaluate("() => window.seen.every(Boolean)")


# Whether the maps still showed a difference, whenever that changed.
SEE_FLASHES = """() => {
  const maps = document.getElementById("attention");
  window.seen = [];
  new MutationObserver(() => window.seen.push(maps.classList.contains("is-difference")))
    .observe(maps, { attributeFilter: ["class"] });
}"""


def test_drawings_count_layers_as_the_words_beside_them_do(page, finished_run):
    page.goto(f"/runs/{finished_run}")

    names = page.locator(".live-circuit .layer-name")
    assert sorted(names.all_text_contents()) == ["layer1", "layer2"]
    assert page.locator(".map-row > span").all_inner_texts() == ["layer 2", "layer 1"]


def test_the_ring_of_a_head_is_there_while_its_light_is_on(page, windowed_run):
    until = SMALL["training"]["sequences"] // 2
    page.goto(f"/runs/{windowed_run}")

    node = page.locator('.node[data-layer="1"][data-head="0"]')
    expect(node).to_have_class(re.compile(r"\bunlit\b"))
    expect(node).to_have_accessible_name(re.compile(r"clamped: .+ \(off in this frame\)"))
    page.get_by_role("slider", name="Frame").fill("0")
    expect(node).not_to_have_class(re.compile(r"\bunlit\b"))
    expect(page.locator("#events")).to_contain_text("Clamp off: induction pattern, layer 2, head 0")
    shapes = page.evaluate("() => document.querySelector('#loss-chart').layout.shapes")
    assert {one["x1"] for one in shapes if one["name"] == "light-driven"} == {until}


# On the time line.

# The places that all parts of the page show: charts, circuit, small lines of the steps.
ROOM = """(element, text) => {
  element.textContent = text;
  return element.clientWidth - element.scrollWidth;
}"""
SHOWN = """() => {
  const place = document.getElementById("run-grid");
  return {
    charts: [...document.querySelectorAll(".chart")].map(
      chart => chart.layout.shapes.find(({name}) => name === "cursor")?.x0),
    steps: Number(place.style.getPropertyValue("--place")),
    sentences: [...document.querySelectorAll("#story [aria-current]")].map(
      ({dataset}) => Number(dataset.since)),
    frame: window.optoscope.attention.frames.shown.sequences,
  };
}"""
DRAWING = "() => document.getElementById('timeline-drawing')"
DRAWN = f"() => ({DRAWING})().querySelector('.line').getAttribute('d').match(/[ML]/g).length"
BAR = "() => document.getElementById('timeline').getBoundingClientRect().toJSON()"


def test_dragging_on_the_time_line_moves_every_part_of_the_page(page, program, finished_run):
    page.goto(f"/runs/{finished_run}")
    places = program.get(f"/runs/{finished_run}/frames")["sequences"]
    await_place(page, places[-1])
    total, at = SMALL["training"]["sequences"], places[2]
    x, y, width = track(page)

    page.mouse.move(x + 5, y)
    page.mouse.down()
    page.mouse.move(x + width * (at + 200) / total, y, steps=5)

    await_place(page, at)
    frame = program.get(f"/runs/{finished_run}/frames", sequences=at)
    assert_nodes(page, frame)
    shown = page.evaluate(SHOWN)
    assert shown["charts"] == [at] * 3
    assert shown["steps"] == pytest.approx(at / total)
    since = page.locator("#story [data-since]").evaluate_all(
        "all => all.map(one => Number(one.dataset.since))"
    )
    assert shown["sentences"] == [max(one for one in since if one <= at)]
    expect(page.locator("#cursor-text")).to_have_text(f"at {at:,} sequences")
    measured = program.series(finished_run)
    loss = measured["loss.new_classes"][measured["sequences"].index(at)]
    assert frame["loss"][3] == loss
    shown_loss = page.locator('#loss-legend [data-evaluator="new_classes"] [data-value]')
    expect(shown_loss).to_have_text(f"{loss:.3f}")
    slider = page.get_by_role("slider", name="Frame")
    said = f"{at:,} sequences, loss on new classes {loss:.3f} nats"
    expect(slider).to_have_attribute("aria-valuetext", re.compile(f"^{re.escape(said)}"))

    page.mouse.up()
    expect(slider).to_have_value(str(at))
    page.wait_for_function("at => location.hash.endsWith(`.at${at}`)", arg=at)
    page.locator("#follow-live").click()
    await_place(page, places[-1])
    assert page.evaluate(SHOWN)["sentences"] == []


def await_place(page: Page, sequences: int) -> None:
    expect(page.locator("#frame-text")).to_contain_text(f"· {sequences:,} sequences")


def track(page: Page) -> tuple[float, float, float]:
    """Left, middle height and width of the drawing of the time line, in pixels."""
    box = page.locator("#timeline-drawing svg").bounding_box()
    assert box is not None
    return box["x"], box["y"] + box["height"] / 2, box["width"]


def test_keys_go_by_frames_on_the_time_line_and_anywhere(page, program, finished_run):
    page.goto(f"/runs/{finished_run}")
    places = program.get(f"/runs/{finished_run}/frames")["sequences"]
    slider = page.get_by_role("slider", name="Frame")
    for key, index in (
        ("Home", 0), ("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("Shift+ArrowRight", -1),
        ("PageDown", 0), ("PageUp", -1), ("Home", 0), ("End", -1),
    ):  # fmt: skip
        slider.press(key)
        expect(slider).to_have_value(str(places[index]))
    # Beside its end stands no other label, and what is said has room at a million sequences.
    expect(page.locator(".timeline-scale span").last).to_have_css("opacity", "0")
    assert page.locator("#frame-text").evaluate(ROOM, "frame 201 of 201 · 1,000,000 sequences") >= 0
    page.get_by_role("heading", level=1).click()
    for key, index in (("[", -2), ("]", -1)):
        page.keyboard.press(key)
        expect(slider).to_have_value(str(places[index]))


def test_playing_shows_every_frame_of_a_short_run_and_ends_with_the_last(
    browse, program, finished_run
):
    page = browse(reduced_motion="no-preference")
    page.goto(f"/runs/{finished_run}")
    places = program.get(f"/runs/{finished_run}/frames")["sequences"]
    await_place(page, places[-1])
    page.evaluate("""() => {
      window.played = [];
      const { frames } = window.optoscope.attention;
      frames.addEventListener("shown", () => window.played.push(frames.shown.sequences));
    }""")

    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name="Play the frames")).to_be_visible()
    assert page.evaluate("() => window.played") == places


def test_on_a_phone_the_time_line_is_slim_stays_in_sight_and_is_tapped(
    browse, program, finished_run
):
    page = browse(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/runs/{finished_run}")
    places = program.get(f"/runs/{finished_run}/frames")["sequences"]
    await_place(page, places[-1])
    for height in (0, 1200, 100_000):
        page.evaluate("height => scrollTo(0, height)", height)
        bar = page.evaluate(BAR)
        assert bar["height"] <= 64
        assert bar["top"] >= 0
        assert bar["bottom"] <= 844
    page.evaluate("() => scrollTo(0, 600)")

    x, y, width = track(page)
    page.touchscreen.tap(x + width / 2, y)
    middle = min(places, key=lambda one: abs(one - SMALL["training"]["sequences"] / 2))
    await_place(page, middle)
    assert page.evaluate("() => scrollY") == 600


def test_new_frames_draw_the_time_line_on_and_leave_the_handle_in_the_hand(page, program):
    run_id = program.launch(ENDLESS, "Held while it trains")
    page.goto(f"/runs/{run_id}")
    count = "() => window.optoscope.attention.frames.sequences.length"
    line = "() => document.querySelector('#timeline-drawing .line').getAttribute('d').length"
    page.wait_for_function(f"() => ({count})() > 1")
    x, y, width = track(page)
    page.mouse.move(x + width / 2, y)
    page.mouse.down()
    slider, held = page.get_by_role("slider", name="Frame"), ENDLESS["training"]["sequences"] // 2
    assert abs(int(slider.input_value()) - held) < held / 50

    frames, drawn = page.evaluate(count), page.evaluate(line)
    page.wait_for_function(f"frames => ({count})() > frames", arg=frames)
    page.wait_for_function(f"drawn => ({line})() > drawn", arg=drawn)
    assert abs(int(slider.input_value()) - held) < held / 50
    expect(page.locator("#follow-live")).to_have_attribute("aria-pressed", "false")
    page.mouse.up()
    assert int(slider.input_value()) in program.get(f"/runs/{run_id}/frames")["sequences"]


def test_the_time_line_holds_each_point_once_whenever_the_server_draws_it_anew(page, program):
    run_id = program.launch(ENDLESS, "Drawn anew")
    page.goto(f"/runs/{run_id}")
    points = "() => window.optoscope.charts.metric.xs.length"
    page.wait_for_function(f"() => ({points})() > 1")

    def answer_late(route: Route) -> None:
        old = route.fetch()
        page.wait_for_function(f"n => ({points})() > n", arg=page.evaluate(points))
        route.fulfill(response=old)

    # Only what is asked for here is answered: the page's own questions would mend what is wrong.
    page.route("**/steps", lambda route: route.fulfill(status=204))
    for answer in (answer_late, Route.continue_, Route.continue_):
        page.route("**/steps", answer, times=1)
        page.evaluate(f"() => {{ ({DRAWING})().dataset.isOld = 'yes'; }}")
        page.evaluate("() => window.htmx.trigger('#steps', 'refresh')")
        page.wait_for_function(f"() => !({DRAWING})().dataset.isOld")
        page.wait_for_function(f"n => ({points})() > n", arg=page.evaluate(points))
        page.wait_for_function(f"() => ({DRAWN})() === ({points})()", timeout=15_000)
