"""A board is filled from a run's page, written on, put in order, and read."""

import re

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations

DRAWN = "count => document.querySelectorAll('.board-plot .main-svg').length >= count"


def headings(page: Page) -> list[str]:
    return page.locator(".block").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )


def test_a_chart_is_added_from_a_run_and_a_comparison_written_about_moved_and_read(
    browse, finished_run
):
    page = browse()
    page.goto(f"/runs/{finished_run}?x=log")
    page.locator("[data-downloads-of=metric] summary").click()
    page.get_by_role("link", name="Add to a board").first.click()
    assert violations(page) == []
    page.get_by_label("Title of the new board").fill("What I saw")
    page.get_by_role("button", name="Add").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("What I saw")
    page.wait_for_function(DRAWN, arg=1)
    link = page.get_by_role("link", name="Loss of A finished run")
    expect(link).to_have_attribute("href", re.compile(f"/runs/{finished_run}.*x=log"))
    address = page.url.partition("#")[0]

    page.goto(f"/compare?runs={finished_run}&metric=accuracy.train")
    page.get_by_role("main").get_by_role("link", name="Add to a board").click()
    page.get_by_label("Caption").fill("Its accuracy")
    page.get_by_role("button", name="Add").click()
    expect(page).to_have_url(re.compile(f"^{address}#block-"))
    page.wait_for_function(DRAWN, arg=2)

    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Add text").click()
    page.get_by_role("textbox", name="Text in Markdown").fill("# Why\nIt **falls** at once.")
    page.get_by_role("textbox", name="Text in Markdown").press("Alt+ArrowUp")
    expect(
        page.locator(".block").nth(1).get_by_role("textbox", name="Text in Markdown")
    ).to_be_focused()
    page.wait_for_function(DRAWN, arg=2)
    assert violations(page) == []
    page.get_by_role("button", name="Remove").last.click()
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator(".block")).to_have_count(3)
    page.get_by_role("button", name="Done").click()

    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    page.reload()
    page.wait_for_function(DRAWN, arg=2)
    assert [name.partition(",")[0] for name in headings(page)][1] == "Text"
    expect(page.get_by_text("Its accuracy")).to_be_visible()
    narrow = browse(viewport={"width": 360, "height": 780}, color_scheme="dark")
    narrow.goto(address)
    narrow.wait_for_function(DRAWN, arg=1)
    assert violations(narrow) == []
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 360

    page.goto("/boards")
    expect(page.get_by_role("row", name=re.compile("What I saw"))).to_contain_text("2")
    assert violations(page) == []
    page.goto(address)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the board").click()
    page.wait_for_url("**/boards")
    expect(page.get_by_role("link", name="What I saw")).to_have_count(0)
