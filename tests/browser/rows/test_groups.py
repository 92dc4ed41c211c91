"""The list in groups: opened by keyboard, kept in the address, and fresh while runs come."""

import re

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations
from tests.browser.support.program import SMALL

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"  # as if the page was come back to


def look_again(page: Page) -> None:
    with page.expect_response(lambda answer: "group=" in answer.url):
        page.evaluate(LOOK)


def toggle(page: Page, title: str):
    return page.locator(".group-line").get_by_role("link", name=title, exact=True)


def test_groups_open_by_keyboard_stay_open_and_follow_the_runs(browse, program, finished_run):
    page = browse()
    page.goto(f"/runs?q={finished_run}&sort=name")
    page.locator("summary", has_text="Group").click()
    page.locator("input[name=group][value=name]").check()
    line = toggle(page, "A finished run")
    expect(line).to_have_attribute("aria-expanded", "false")
    page.locator("summary", has_text="Group").click()
    row = page.locator(f"tr[id$=run-{finished_run}]")
    expect(row).to_have_count(0)
    line.press("ArrowRight")
    expect(row).to_be_visible()
    expect(line).to_have_attribute("aria-expanded", "true")
    expect(page).to_have_url(re.compile(r"group=name.*open=A\+finished\+run"))
    assert violations(page, "#runs-table") == []

    page.reload()
    expect(row).to_be_visible()
    row.locator("input[name=run]").check()
    expect(page.locator("#bulk-count")).to_have_text("1 run selected")
    page.get_by_role("link", name="Age").click()
    expect(page.locator("[aria-sort=descending]")).to_have_text("Age")
    expect(row).to_be_visible()
    line.press(" ")
    expect(row).to_be_hidden()
    expect(page).not_to_have_url(re.compile("open="))

    page.goto("/runs?group=tag&q=tag:grouped")
    late = program.post("/runs", config=SMALL, name="Late", tags=["grouped", "new"])["id"]
    program.cancel(late)
    page.reload()
    new = page.locator(".group-line", has_text="new")
    expect(new).to_contain_text("1 run")
    toggle(page, "new").press("Enter")
    expect(page.locator(f"tr[id$=run-{late}]")).to_have_count(1)
    with program.client as client:
        tags = {"tags": ["grouped", "newer"]}
        client.patch(f"/runs/{late}", json=tags).raise_for_status()
    look_again(page)
    expect(page.locator(".group-line", has_text="newer")).to_be_visible()
    expect(toggle(page, "new")).to_have_count(0)
