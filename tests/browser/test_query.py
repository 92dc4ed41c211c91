"""Asking for runs on the page: errors with their place, completion by keyboard, views kept."""

import re

from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations


def search(page: Page):
    return page.get_by_label("Search the runs")


def rows(page: Page):
    return page.locator(".runs-list tbody tr[id]")


def test_a_query_is_completed_by_keyboard_and_its_errors_show_where(browse, watch, finished_run):
    watch.allow("status of 422")
    page = browse()
    page.goto("/runs")
    before = rows(page).count()
    field, options = search(page), page.get_by_role("option")

    field.press_sequentially("lerning_rate < 1")
    expect(page.locator("#asked mark")).to_have_text("lerning_rate")
    expect(page.locator("#asked")).to_contain_text("There is no field 'lerning_rate'")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(rows(page)).to_have_count(before)  # the list stays
    assert violations(page, "#filters") == []
    page.get_by_role("link", name="Correct it").click()
    expect(page).to_have_url(re.compile(r"q=learning_rate\+%3C\+1"))
    expect(rows(page)).to_have_count(before)

    field.fill("")
    field.press_sequentially("sta")
    expect(options).to_have_text([re.compile("started"), re.compile("state")])
    expect(field).to_have_attribute("aria-expanded", "true")
    assert violations(page, "#filters") == []
    field.press("ArrowUp")
    field.press("Enter")
    expect(field).to_have_value("state:")
    expect(options.first).to_contain_text("queued")
    field.press_sequentially("fi")
    field.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "completion-0")
    field.press("Tab")
    expect(field).to_have_value("state:finished")
    expect(page).to_have_url(re.compile("q=state%3Afinished$"))
    expect(page.locator("#asked")).not_to_have_attribute("data-wrong", "")
    field.press_sequentially(" min(loss.n")
    field.press("ArrowDown")
    field.press("Enter")
    field.press_sequentially(" < 99")
    expect(field).to_have_value(re.compile(r"^state:finished min\(loss\.new_\w+\) < 99$"))
    expect(page.locator(f"#run-{finished_run}")).to_be_visible()
    field.press_sequentially(" sta")
    expect(options.first).to_be_visible()
    field.press("Escape")
    expect(options).to_have_count(0)
    expect(field).not_to_have_value("")

    page.get_by_text("How to ask").click()
    expect(page.locator(".asked-examples a")).to_have_count(5)
    assert violations(page, ".how-to-ask") == []
    page.get_by_role("link", name="created > -7d").click()
    expect(page.locator(f"#run-{finished_run}")).to_be_visible()

    page.goto("/runs?q=state:finishd")
    expect(page.get_by_role("heading", name="This cannot be asked")).to_be_visible()
    expect(page.locator("#asked mark")).to_have_text("finishd")
