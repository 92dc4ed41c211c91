"""What the paper asks: analyses of a run, the toy model, and its figures made by a click."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations

# Of the curves of ours; published points are markers.
MEASURED = """count => document.getElementById('chart').data
  ?.filter(trace => trace.mode === 'lines' && trace.x.length > 1).length === count"""
DRAWN = "() => document.getElementById('chart').data?.map(trace => [trace.name, trace.x?.length])"
CURVES = "() => document.getElementById('chart').data?.map(({name}) => name) ?? []"


def ask(page: Page, run_id: str, question: str) -> None:
    page.goto(f"/runs/{run_id}")
    page.get_by_role("button", name=question).click()
    page.wait_for_url("**/analyses/*")


def test_a_question_of_a_run_is_asked_and_its_figure_appears(page, program, finished_run):
    ask(page, finished_run, "Each head of the last layer removed")
    page.wait_for_function("() => document.getElementById('chart').data?.length === 2")
    expect(page.locator("#status")).to_have_attribute("data-state", "finished")

    rows = page.locator("#table tbody").first.locator("tr")
    expect(rows).to_have_count(5)
    assert page.evaluate(DRAWN) == [["kept alone", 2], ["removed", 2]]
    expect(page.locator("#table")).to_contain_text("Mistakes that another gets right")
    assert violations(page) == []

    [asked] = program.get("/analyses", run=finished_run)["analyses"]
    cells = program.get(f"/analyses/{asked['id']}/result")["cells"]
    assert rows.nth(1).inner_text().split("\t")[-1] == f"{cells[1]['mistakes']:,}"
    page.goto(f"/runs/{finished_run}")
    expect(page.locator(".area-analyses")).to_contain_text("Heads removed and kept")
    ask(page, finished_run, "Each head of the last layer removed")
    assert page.url.endswith(asked["id"]), "the same question has its answer"


def test_panels_stand_below_each_other_where_it_is_narrow(browse, finished_run):
    page = browse(viewport={"width": 390, "height": 844})
    ask(page, finished_run, "Which head of layer 1")
    page.wait_for_function("() => document.getElementById('chart').data?.length === 4")
    expect(page.locator("#status")).to_have_attribute("data-state", "finished")

    page.wait_for_function("() => document.getElementById('chart').layout.xaxis.domain[1] > 0.8")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def opened(page: Page, query: str = "") -> Page:
    page.goto(f"/toy{query}")
    page.wait_for_function("() => document.getElementById('chart').data?.length")
    return page


def test_the_papers_figure_stands_beside_its_numbers(page):
    opened(page)

    names = page.evaluate(CURVES)
    assert names.count("nothing clamped") == names.count("b and c clamped") == 3
    assert "the paper's numbers" in names
    expect(page.locator("#deviation")).to_contain_text("none is further than")
    expect(page.locator("#rows tr").first).to_contain_text("826")
    assert violations(page) == []


def test_a_slider_trains_again_and_the_address_says_so(page):
    opened(page)
    page.get_by_label("Updates, as a slider").fill("2000")
    page.wait_for_function("() => document.getElementById('chart').data[0].x.at(-1) > 1900")
    page.get_by_label("a, b", exact=True).check()
    expect(page.locator("#rows tr")).to_have_count(4)

    expect(page).to_have_url(re.compile("updates=2000.*clamp=a%2Cb"))
    again = page.url
    page.goto("/guide")
    page.goto(again)
    expect(page.get_by_label("a, b", exact=True)).to_be_checked()
    expect(page.locator("#updates")).to_have_value("2000")


def test_what_cannot_be_is_said_and_the_figure_stays(page, watch):
    watch.allow("422")
    opened(page)
    before = page.evaluate(CURVES)
    page.locator("#dimension").fill("5000")
    expect(page.locator("#wrong")).to_contain_text("less than or equal to 1000")
    assert page.evaluate(CURVES) == before

    page.locator("#dimension").fill("20")
    page.locator("#learning_rate").fill("900")
    expect(page.locator("#rows")).to_contain_text("diverges at update")


def test_a_figure_is_made_by_one_click_and_appears_while_it_trains(page, program):
    page.goto("/paper")
    expect(page.locator(".paper-card")).to_have_count(24)
    assert violations(page) == []
    card = page.locator("#card-fig-3a")
    expect(card).to_contain_text("1 run, about")

    card.get_by_role("button", name="Make Fig. 3a").click()
    page.wait_for_url("**/paper/fig-3a")
    expect(page.locator("#refreshed")).to_contain_text("training, 0 of 1 runs ready")
    expect(page.get_by_role("button", name="Make this figure")).to_have_count(0)
    page.wait_for_function(MEASURED, arg=3)
    expect(page.locator(".legend").first).to_contain_text("paper, Omniglot")
    expect(page.locator("#findings")).to_contain_text("falls below ½ ln 2 at")
    expect(page.locator("#findings")).to_contain_text("256,000")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save figure as SVG").click()
    assert saved.value.suggested_filename == "paper-fig-3a-training.svg"
    assert "<svg" in Path(saved.value.path()).read_text()
    assert violations(page) == []

    page.goto("/paper")
    expect(page.locator("#card-fig-4b")).to_contain_text("8 runs, about")
    expect(page.locator("#card-fig-4b")).to_contain_text("1 there already")
    [study] = program.get("/studies")["studies"][:1]
    assert (study["name"], study["progress"]["runs"]) == ("Paper, Fig. 3a", 1)


def test_figures_fit_where_it_is_narrow(browse):
    page: Page = browse(viewport={"width": 390, "height": 844})
    for path in ("/paper", "/paper/fig-6", "/paper/fig-11"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        assert violations(page) == []
