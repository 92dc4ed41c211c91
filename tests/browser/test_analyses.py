"""Analyses, asked from the page of a run and watched until they are answered."""

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations

DRAWN = "() => document.getElementById('chart').data?.map(trace => [trace.name, trace.x?.length])"


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
