"""The list of runs: asked for, sorted, ticked, changed together, and seen again elsewhere."""

import re

from playwright.sync_api import Page, expect

from app.services.wording import nats
from tests.browser.support.axe import violations
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
    page.locator("#bulk").get_by_text("Tag", exact=True).click()
    page.get_by_label("Tags to add or remove").fill("crowd")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".toast")).to_contain_text(f"{WAITING} runs tagged")
    page.locator(".toast").get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#bulk")).to_be_hidden()


def tag_what_is_ticked(page: Page) -> None:
    page.locator("#bulk").get_by_text("Tag", exact=True).click()
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
        axes=[{"field": "seeds.initial", "values": list(range(WAITING + 1))}],
    )  # fmt: skip
    aside = program.get(f"/studies/{study['id']}")["runs"][0]["id"]
    program.post(
        "/runs/bulk", runs=[aside], action="shelve"
    )  # nobody sees it, nothing is done to it
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
    page.get_by_role("checkbox", name="Seed: initial weights").check()
    page.locator("summary", has_text="Columns").click()  # it lies over the heads of columns
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


def test_a_column_holds_what_a_measure_was_at_a_place_and_its_least(page, program, finished_run):
    page.goto("/runs?q=finished&columns=loss.train.min,loss.train@3200")
    measured = program.series(finished_run)
    losses = measured["loss.train"]

    row = page.locator(f"#run-{finished_run}")
    expect(row).to_contain_text(nats(min(losses)))
    expect(row).to_contain_text(nats(losses[measured["sequences"].index(3_200)]))


def test_a_view_is_kept_shared_renamed_and_deleted(browse, finished_run):
    page = browse()
    page.goto("/runs?q=state%3Afinished&sort=name&columns=state,loss.train.min")
    views = page.locator(".saved-views")
    views.locator("summary").first.click()
    assert violations(page, ".saved-views") == []
    page.get_by_label("Keep this list as").fill("Best of all")
    page.get_by_label("Keep this list as").press("Enter")
    expect(page).to_have_url(re.compile(r"/runs\?q=state%3Afinished&sort=name&columns="))

    elsewhere = browse()
    elsewhere.goto("/runs?view=best-of-all")
    expect(search(elsewhere)).to_have_value("state:finished")
    expect(elsewhere.locator("[aria-sort=ascending]")).to_have_text("Run")
    expect(elsewhere.locator(f"#run-{finished_run} .cell-loss-train-min")).to_be_visible()

    views.locator("summary").first.click()
    expect(views.get_by_role("link", name="Best of all")).to_have_attribute("aria-current", "true")
    page.get_by_label("Rename or delete the view Best of all").click()
    assert violations(page, ".saved-views") == []
    page.get_by_label("Name of the view").fill("Finished ones")
    page.get_by_role("button", name="Rename", exact=True).click()
    views.locator("summary").first.click()
    expect(views.get_by_role("link", name="Finished ones")).to_be_visible()
    page.get_by_label("Rename or delete the view Finished ones").click()
    views.get_by_role("button", name="Delete").click()
    expect(views.locator(".picked")).to_have_text("")
    expect(search(page)).to_have_value("state:finished")
