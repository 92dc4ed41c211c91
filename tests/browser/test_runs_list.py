"""The list of runs: found, sorted, ticked, changed together, and seen again elsewhere."""

import re

from playwright.sync_api import Page, expect

from tests.browser.support.program import ENDLESS

WAITING = 55  # more than a page of the list


def names(page: Page) -> list[str]:
    return page.locator(".runs-list th[scope=row] a").all_inner_texts()


def tag_all_that_match(page: Page) -> None:
    page.locator("#pick-all").check()
    expect(page.locator("#bulk-count")).to_have_text("50 runs selected")
    page.get_by_role("button", name="Select all that match").click()
    expect(page.locator("#bulk-count")).to_have_text(f"All {WAITING} runs selected")
    expect(page.locator("#bulk").get_by_role("button", name="Compare")).to_be_disabled()
    page.get_by_text("Tag", exact=True).click()
    page.get_by_label("Tags to add or remove").fill("crowd")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".toast")).to_contain_text(f"{WAITING} runs tagged")
    page.locator(".toast").get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#bulk")).to_be_hidden()


def tag_what_is_ticked(page: Page) -> None:
    page.get_by_text("Tag", exact=True).click()
    page.get_by_label("Tags to add or remove").fill("keep, odd ones")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".toast")).to_contain_text("3 runs tagged")
    expect(page.locator(".runs-list .tag", has_text="odd ones")).to_have_count(3)
    expect(page.locator("#bulk-count")).to_have_text("3 runs selected")


def cancel_and_delete_all(page: Page) -> None:
    page.locator("#pick-all").check()
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    left = page.locator(".toast", has_text="3 of 3 runs have not ended and are left")
    left.get_by_role("button", name="Dismiss").click()
    page.locator("#bulk").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Keep them").click()
    page.locator("#bulk").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 3 runs").click()
    expect(page.locator(".runs-list .state-cancelled")).to_have_count(3)
    delete_all(page)


def delete_all(page: Page) -> None:
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 3 runs?")).to_be_visible()
    expect(page.locator("#bulk-confirm-text")).to_contain_text("can be restored for 7 days")
    page.get_by_role("button", name="Delete 3 runs").click()
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    expect(page.locator("#bulk")).to_be_hidden()


def take_it_back_and_delete_them_again(page: Page) -> None:
    found = page.locator(".toast", has_text="3 runs deleted")
    found.get_by_role("button", name="Undo").click()
    expect(page.locator(".runs-list .state-cancelled")).to_have_count(3)
    expect(page.locator(".toast")).to_contain_text(["3 runs restored"])
    page.locator("#pick-all").check()
    delete_all(page)


def restore_one_and_delete_the_others_for_good(page: Page) -> None:
    page.goto("/runs")
    page.get_by_role("link", name="Deleted runs").click()
    boxes = page.locator(".runs-list input[name=run]")
    expect(boxes).to_have_count(3)
    boxes.first.check()
    page.locator("#bulk").get_by_role("button", name="Restore").click()
    expect(boxes).to_have_count(2)
    expect(page.locator(".toast")).to_contain_text("1 run restored")
    page.locator("#pick-all").check()
    page.locator("#bulk").get_by_role("button", name="Delete for good").click()
    page.get_by_role("button", name="Delete 2 runs for good").click()
    expect(page.get_by_role("heading", name="No deleted runs")).to_be_visible()


def test_runs_are_filtered_sorted_and_changed_together(page, browse, program):
    study = program.post(
        "/studies", base=ENDLESS, name="Crowd",
        axes=[{"field": "seeds.initial", "values": list(range(WAITING))}],
    )  # fmt: skip
    program.post(f"/studies/{study['id']}/pause")
    page.goto(f"/runs?study={study['id']}")
    boxes = page.locator(".runs-list input[name=run]")
    expect(boxes).to_have_count(50)
    tag_all_that_match(page)
    boxes.nth(1).check()
    page.mouse.wheel(0, 10_000)
    expect(boxes).to_have_count(WAITING)
    expect(page.locator("#bulk-count")).to_have_text("1 run selected")
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("#bulk-count")).to_have_text("3 runs selected")
    tag_what_is_ticked(page)

    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("odd ones")
    expect(boxes).to_have_count(3)
    expect(page.locator("#search")).to_be_focused()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Find in columns").fill("initial")
    page.get_by_label("Seed: initial weights").check()
    page.get_by_role("link", name="Seed: initial weights").click()
    expect(page.locator("[aria-sort=ascending]")).to_have_text("Seed: initial weights")
    found = names(page)
    assert len(found) == 3

    elsewhere = browse()
    elsewhere.goto(page.url)
    expect(elsewhere.locator("[aria-sort=ascending]")).to_have_text("Seed: initial weights")
    assert names(elsewhere) == found
    expect(elsewhere.locator("#search")).to_have_value("odd ones")

    cancel_and_delete_all(page)
    take_it_back_and_delete_them_again(page)
    page.go_back()
    expect(page.locator("#search")).not_to_have_value("")
    page.get_by_role("link", name="Show every run").click()
    expect(page).to_have_url(re.compile("/runs$|/runs.columns="))
    restore_one_and_delete_the_others_for_good(elsewhere)
