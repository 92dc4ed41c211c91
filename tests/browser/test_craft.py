"""What all pages share: keys, themes, the menu, the tour, news of other runs, paper."""

import re

from playwright.sync_api import Page, expect

from tests.browser.support.program import ENDLESS, SMALL

SHORT = {**SMALL, "training": {"sequences": 3_200, "learning_rate": 5e-3}}
CHART_WIDTH = "() => document.querySelector('#loss-chart .main-svg').getBoundingClientRect().width"


def test_pages_are_walked_with_keys_alone(page, finished_run):
    page.goto("/studies")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs")
    page.get_by_role("link", name="A finished run", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{finished_run}")

    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_be_enabled()
    last, every = int(slider.get_attribute("max") or 0), SMALL["recording"]["frame_every"]
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(slider).to_have_value(str(last - 2 * every))
    page.keyboard.press("]")
    expect(slider).to_have_value(str(last - every))

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of this page")
    expect(keys).to_contain_text("Play the frames")
    page.keyboard.press("[")
    expect(slider).to_have_value(str(last - every))
    keys.get_by_label("Single keys do something").press("Space")
    page.keyboard.press("Escape")
    expect(keys).not_to_be_visible()
    page.keyboard.press("[")
    expect(slider).to_have_value(str(last - every))


def test_the_menu_of_a_narrow_page_opens_by_itself_and_leads_on(browse):
    page = browse(viewport={"width": 360, "height": 780})
    page.goto("/runs")
    link = page.get_by_role("link", name="Workers")
    expect(link).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    link.click()
    page.wait_for_url("**/workers")


def test_the_tour_is_offered_once_and_speaks_of_the_run_at_hand(browse, program, finished_run):
    page = browse(newcomer=True)
    page.goto(f"/runs/{finished_run}")
    page.get_by_role("button", name="Take the tour").click()
    tour = page.get_by_role("dialog")
    titles = []
    for _ in range(6):
        titles.append(tour.locator("#tour-title").inner_text())
        assert inside_the_window(page)
        if len(titles) == 2:
            expect(tour).to_contain_text(re.compile(r"its midpoint between \d"))
        page.keyboard.press("ArrowRight")
    assert titles[:2] == ["The plateau", "The phase change"]
    assert len(set(titles)) == 6
    expect(tour).not_to_be_visible()

    page.reload()
    expect(page.locator("#frame-text")).to_contain_text("frame")
    expect(page.get_by_role("button", name="Take the tour")).to_have_count(0)
    page.keyboard.press("?")
    page.get_by_role("button", name="Take the tour").click()
    expect(tour.locator("#tour-title")).to_have_text("The plateau")
    page.keyboard.press("Escape")
    expect(tour).not_to_be_visible()


def test_a_first_visit_leads_to_a_circuit_that_formed_and_to_its_tour(browse, program):
    page = browse(newcomer=True)
    waiting = program.launch(ENDLESS, "Empty yet")
    program.post(f"/runs/{waiting}/pause")
    page.goto("/welcome")
    picture = page.get_by_role("img", name=re.compile("^Recorded from a real run"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")

    page.get_by_role("button", name="Watch this one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example: a circuit forms")
    expect(page.locator("#frame-text")).to_contain_text("frame")
    example = page.url.rpartition("/")[2]

    page.goto(f"/runs/{waiting}")
    page.get_by_role("button", name="Take the tour").click()
    expect(page).to_have_url(re.compile(f"/runs/{example}#tour$"))
    tour = page.get_by_role("dialog", name="The plateau")
    expect(tour).to_contain_text(re.compile(r"it waited from [\d.]+k to [\d.]+k sequences"))
    with program.client as client:
        client.delete(f"/runs/{example}", params={"now": True}).raise_for_status()


def inside_the_window(page: Page) -> bool:
    box = page.locator(".tour-card").bounding_box()
    size = page.viewport_size
    assert box is not None
    assert size is not None
    return (
        min(box["x"], box["y"]) >= 0
        and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"]
    )


def test_a_run_that_finishes_is_told_on_other_pages_and_a_page_shows_it_is_live(page, program):
    page.goto("/workers")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    run_id = program.launch(SHORT, "Told of")

    note = page.locator(".toast").filter(has_text="Told of finished")
    expect(note.get_by_role("link")).to_have_attribute("href", f"/runs/{run_id}")
    note.get_by_role("button", name="Dismiss").click()
    expect(note).to_have_count(0)


def test_charts_are_drawn_as_wide_as_paper_and_for_the_screen_again(page, finished_run):
    page.goto(f"/runs/{finished_run}")
    expect(page.locator("#loss-chart .xtitle")).to_be_visible()
    before = page.evaluate(CHART_WIDTH)
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(CHART_WIDTH) == 980
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"before => ({CHART_WIDTH})() === before", arg=before)
