"""The paper's figures, made by a click and watched while their runs train."""

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations

# Points that are measured, of the curves of ours; published ones are markers.
MEASURED = """() => document.getElementById('chart').data
  ?.filter(trace => trace.mode === 'lines' && trace.x.length > 1).length"""


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
    page.wait_for_function(f"({MEASURED})() === 3")
    expect(page.locator(".legend").first).to_contain_text("paper, Omniglot")
    expect(page.locator("#findings")).to_contain_text("falls below ½ ln 2 at")
    expect(page.locator("#findings")).to_contain_text("256,000")
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
