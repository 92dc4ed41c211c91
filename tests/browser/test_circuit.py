"""The circuit of a run and its attention: what is drawn is what the API gives for that frame."""

import re
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.program import SMALL
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


def test_the_ring_of_a_head_is_there_while_its_light_is_on(page, program):
    until = SMALL["training"]["sequences"] // 2
    run_id = program.launch(
        {**SMALL, "program": [{**SMALL["program"][0], "until_sequences": until}]}, "For a while"
    )
    program.finished(run_id)
    page.goto(f"/runs/{run_id}")

    node = page.locator('.node[data-layer="1"][data-head="0"]')
    expect(node).to_have_class(re.compile(r"\bunlit\b"))
    expect(node).to_have_accessible_name(re.compile(r"clamped: .+ \(off in this frame\)"))
    page.get_by_role("slider", name="Frame").fill("0")
    expect(node).not_to_have_class(re.compile(r"\bunlit\b"))
    expect(page.locator("#events")).to_contain_text("Clamp off: induction pattern, layer 2, head 0")
    shapes = page.evaluate("() => document.querySelector('#loss-chart').layout.shapes")
    assert {one["x1"] for one in shapes if one["name"] == "light-driven"} == {until}
