"""A run's name, notes and tags, changed in the list without leaving it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations
from tests.browser.support.program import SMALL


@pytest.fixture(scope="module")
def renamed_run(program) -> str:
    """A run that has ended, of this file's own: others look for theirs by name."""
    run_id = program.launch(SMALL, "As it was called")
    program.cancel(run_id)
    program.finished(run_id)
    return run_id


def line(page: Page, run_id: str):
    return page.locator(f"#run-{run_id}")


def rename_elsewhere(program, run_id: str, name: str) -> None:
    with program.client as client:
        client.patch(f"/runs/{run_id}", json={"name": name}).raise_for_status()


def test_a_run_is_renamed_in_its_line_by_keyboard(browse, watch, program, renamed_run):
    watch.allow("status of 409")
    page = browse()
    page.goto("/runs")
    row = line(page, renamed_run)
    field = row.get_by_role("textbox")
    row.locator("th a").focus()
    page.keyboard.press("F2")
    expect(field).to_be_focused()
    expect(field).to_have_value("As it was called")
    assert violations(page, f"#run-{renamed_run}") == []
    page.keyboard.type("Not this")
    page.keyboard.press("Escape")
    expect(row.locator("th a")).to_have_text("As it was called")
    expect(row.get_by_label("Rename As it was called")).to_be_focused()

    page.keyboard.press("Enter")
    field.fill("  ")
    field.press("Enter")
    expect(row.get_by_role("alert")).to_have_text("A run is called something: write a name.")
    field.fill("Mine")
    rename_elsewhere(program, renamed_run, "Theirs")
    with page.expect_response(lambda answer: "until=" in answer.url or "/runs" in answer.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # rows, anew
    expect(field).to_have_value("Mine")
    field.press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("“Theirs” Enter keeps yours.")
    field.press("Enter")
    expect(row.locator("th a")).to_have_text("Mine")
    expect(page.locator("#announcer")).to_have_text("Renamed to Mine")
    assert program.run(renamed_run)["name"] == "Mine"


def test_notes_and_tags_are_changed_over_the_list(browse, program, renamed_run):
    page = browse(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto("/runs")
    row = line(page, renamed_run)
    row.get_by_label("Notes and tags").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Notes")).to_be_focused()
    assert violations(page, "#said") == []
    dialog.get_by_label("Notes").fill("**Late**, see figure 5")
    dialog.get_by_label("Tags").fill("odd, fig 5")
    dialog.get_by_role("button", name="Keep").tap()
    expect(dialog).to_be_hidden()
    expect(row.locator(".tag")).to_have_text(["odd", "fig 5"])
    run = program.run(renamed_run)
    assert (run["notes"], run["tags"]) == ("**Late**, see figure 5", ["odd", "fig 5"])

    row.get_by_label("Notes and tags").tap()
    expect(dialog.get_by_label("Notes")).to_have_value("**Late**, see figure 5")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    row.get_by_role("button", name="Rename").tap()
    row.get_by_role("textbox").fill("By touch")
    row.get_by_role("button", name="Keep").tap()
    expect(row.locator("th a")).to_have_text("By touch")


def test_a_run_is_pinned_by_its_line_and_stands_first(browse, renamed_run, finished_run):
    page = browse()
    page.goto("/runs")
    rows = page.locator(".runs-list tbody tr[id]")
    first, pinned = rows.first, rows.last.get_attribute("id")
    row = page.locator(f"#{pinned}")
    pin = row.locator(".pin-button")
    pin.press("Enter")
    expect(first).to_have_attribute("id", pinned)
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(pin).to_be_focused()
    assert violations(page, f"#{pinned}") == []

    row.locator("input[name=run]").check()
    bulk = page.locator("#bulk")
    expect(bulk.get_by_role("button", name="Pin", exact=True)).to_be_hidden()
    bulk.get_by_role("button", name="Unpin").click()
    expect(page.locator(".toast")).to_contain_text("1 run unpinned")
    expect(pin).to_have_attribute("aria-pressed", "false")
    expect(first).not_to_have_attribute("id", pinned)


def test_a_run_is_shelved_and_taken_back(browse, renamed_run, finished_run):
    page = browse()
    page.goto("/runs")
    row = line(page, renamed_run)
    row.locator(".shelf-button").click()
    note = page.locator(".toast", has_text="1 run shelved")
    expect(row).to_have_count(0)
    note.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()

    row.locator("input[name=run]").check()
    page.locator("#bulk").get_by_role("button", name="Shelve").click()
    expect(row).to_have_count(0)
    page.goto("/runs?shelved=1")
    expect(row).to_be_visible()
    expect(page.locator(".runs-list tbody tr[id]")).to_have_count(1)
    assert violations(page, "main") == []
    row.locator(".shelf-button").click()
    expect(page.get_by_role("heading", name="No shelved runs")).to_be_visible()
