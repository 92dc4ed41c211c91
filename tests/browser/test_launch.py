"""Launching runs from the form: with the pointer, with the keyboard, without JavaScript."""

import re

from playwright.sync_api import Locator, Page, expect

ALWAYS = {"from_sequences": 0, "until_sequences": None}
SILENCED = {"kind": "ablate", "site": "L1H0,1,2,4,5,6,7.v", **ALWAYS}
INDUCTION = {"site": "L1H3.pattern[query]", "target": "induction"}
FIXED = {"kind": "set_pattern", "strength": 1.0, **INDUCTION, **ALWAYS}
RUN_PAGE = re.compile(r"/runs/[a-z0-9]{10}$")
MOST_TABS = 60


def words(page: Page) -> Locator:
    return page.get_by_role("region", name="In words")


def clamps(page: Page) -> Locator:
    """The list of what is clamped."""
    return page.get_by_role("list", name="Clamps of the program")


def pick(page: Page, light: str) -> None:
    page.get_by_role("group", name="Light").get_by_text(light, exact=True).click()


def head(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{name}:"))


def launched(page: Page, program) -> dict:
    """The config that was stored, once its page is there."""
    page.wait_for_url(RUN_PAGE)
    return program.get(f"/runs/{page.url.rpartition('/')[2]}/config")


def test_a_run_is_launched_with_exactly_the_clamps_that_were_clicked(page, program):
    page.goto("/runs")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="New run").click()
    page.get_by_role("link", name=re.compile("^One head only")).click()
    expect(clamps(page)).to_contain_text("Layer 2, heads 0, 1, 2, 4, 5, 6 and 7 are silenced")

    pick(page, "Induction pattern")
    head(page, "Layer 2, head 3").click()
    expect(clamps(page)).to_contain_text("Layer 2, head 3 always attends from the query")
    expect(words(page)).to_contain_text("Fixed: step 4.")
    expect(head(page, "Layer 2, head 3")).to_have_accessible_name("Layer 2, head 3: induction")
    page.get_by_label("Sequences", exact=True).fill("640")
    page.get_by_label("Name").fill("Clicked")
    page.get_by_role("button", name="Launch").click()

    config = launched(page, program)
    assert config["program"] == [SILENCED, FIXED]
    assert config["training"]["sequences"] == 640
    expect(page.get_by_role("heading", name="Clicked")).to_be_visible()
    expect(page.get_by_role("region", name="Program")).to_contain_text("Layer 2, head 3 always")


def test_heads_are_painted_by_dragging_and_cleared_by_dragging_again(page):
    page.goto("/runs/new")
    pick(page, "Ablate")

    for expected in ("Layer 1, heads 2, 3 and 4 are silenced", ""):
        start, end = (head(page, f"Layer 1, head {n}").bounding_box() for n in (2, 4))
        assert start
        assert end
        page.mouse.move(start["x"] + 5, start["y"] + 5)
        page.mouse.down()
        page.mouse.move(end["x"] + 5, end["y"] + 5, steps=12)
        page.mouse.up()
        expect(clamps(page)).to_contain_text(expected)
        expect(clamps(page).get_by_role("listitem")).to_have_count(1 if expected else 0)


def test_errors_stand_at_their_places_and_nothing_typed_is_lost(page, watch):
    watch.allow("status of 422")  # the console says so of the answer to a form with errors
    page.goto("/runs/new")
    typed = {"Learning rate": "fast", "Context pairs": "3", "Burstiness": "2", "Name": "Kept"}
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_text("Program as JSON").click()
    contradiction = '[{"kind": "ablate", "site": "L1H3.v"}, {"kind": "ablate", "site": "L1.v"}]'
    page.get_by_label("Program as JSON").fill(contradiction)

    def errors_are_shown() -> None:
        expect(page.get_by_label("Learning rate")).to_have_accessible_description(
            re.compile("Write a number")
        )
        task = page.get_by_role("region", name="Task")
        expect(task).to_contain_text("Burstiness 2 does not divide 3 context pairs")
        expect(clamps(page).get_by_role("listitem").nth(1)).to_contain_text(
            re.compile(r"L1\.v: .*\(L1H3\.v\) both decide the v of layer 2, head 3")
        )

    errors_are_shown()
    expect(words(page)).to_contain_text("things to put right")
    page.get_by_role("button", name="Launch").click()

    refusal = page.get_by_role("alert").filter(has_text="Nothing was launched")
    expect(refusal).to_be_in_viewport()
    errors_are_shown()
    refusal.get_by_role("link", name="Learning rate").click()
    expect(page.get_by_label("Learning rate")).to_be_focused()
    for label, text in typed.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(text)
    expect(page.get_by_label("Program as JSON")).to_have_value(contradiction)


def test_a_preset_leaves_what_was_typed_and_can_be_undone(page):
    page.goto("/runs/new?preset=one-head")
    sequences = page.get_by_label("Sequences", exact=True)
    presets = page.get_by_role("navigation", name="Presets")
    lit = presets.locator("[aria-current]")
    expect(lit).to_have_text(re.compile("One head only"))

    sequences.fill("150,000")
    expect(page.locator("#note-training-sequences")).to_have_text(
        "Ends at 150,016: whole batches of 32."
    )
    expect(lit).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_attribute("placeholder", re.compile("150,000"))
    presets.get_by_role("link", name=re.compile("^Match fixed")).click()

    taken = page.get_by_role("status").filter(has_text="As you had typed: sequences 150,000")
    expect(taken).to_be_visible()
    expect(sequences).to_have_value("150,000")
    expect(clamps(page).get_by_role("listitem")).to_have_count(2)
    taken.get_by_role("button", name="Undo").click()
    expect(clamps(page).get_by_role("listitem")).to_have_count(1)
    expect(sequences).to_have_value("150,000")


def test_short_numbers_and_files_that_are_not_there_are_told_before_anything_is_queued(
    page, program, watch
):
    watch.allow("status of 422")
    page.goto("/new")
    page.wait_for_url("**/runs/new")
    assert "`" not in page.locator("main").inner_text()

    page.get_by_label("Sequences", exact=True).fill("1M")
    note = page.locator("#note-training-sequences")
    expect(page.get_by_label("Sequences", exact=True)).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Sequences", exact=True).fill("100k")
    expect(note).to_have_text("")
    dataset = page.locator("#task-dataset")
    dataset.fill("file:nowhere.npz")
    expect(dataset).to_have_accessible_description(re.compile("nowhere.npz"))
    before = program.get("/runs/count")["count"]
    page.get_by_role("button", name="Launch").click()

    refusal = page.get_by_role("alert").filter(has_text="Nothing was launched")
    for place in (refusal, page.locator("#preview")):
        place.get_by_role("link", name="Dataset").hover()
        page.mouse.down()
        page.evaluate(CHECKED_AGAIN)
        page.mouse.up()
        expect(dataset).to_be_focused()
    assert program.get("/runs/count")["count"] == before


# The form is looked at while a link is being pressed.
CHECKED_AGAIN = """
() => new Promise((done) => {
  document.addEventListener("htmx:after:swap", () => done(), { once: true });
  window.htmx.trigger(document.getElementById("launch"), "change");
})
"""


def test_a_clamp_is_placed_and_launched_with_the_keyboard_alone(page, program):
    page.goto("/runs/new")

    tab_to(page, page.get_by_role("radio", name="Induction pattern"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Previous-token pattern")).to_be_checked()
    tab_to(page, head(page, "Layer 2, head 0"))
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(head(page, "Layer 1, head 2")).to_have_attribute("aria-pressed", "true")
    expect(clamps(page)).to_contain_text("Layer 1, head 2 always attends from every token")
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("Typed")
    tab_to(page, page.get_by_role("button", name="Launch"))
    page.keyboard.press("Enter")

    site = {"site": "L0H2.pattern", "target": "previous_token"}
    assert launched(page, program)["program"] == [{**FIXED, **site}]
    expect(page.get_by_role("heading", name="Typed")).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus."""
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def test_without_javascript_forms_work_and_numbers_can_be_read(browse, program, watch):
    watch.allow(r"\.js: csp$")  # what the page preloads is not fetched where nothing runs it
    page = browse(java_script_enabled=False)
    page.goto("/runs/new?preset=match")
    page.get_by_label("Sequences", exact=True).fill("320")
    page.get_by_label("Evaluator size").evaluate(
        "element => element.closest('details').open = true"
    )
    page.get_by_label("Evaluator size").fill("64")
    page.get_by_role("button", name="Launch").click()

    assert launched(page, program)["program"] == [FIXED, SILENCED]
    run = program.finished(page.url.rpartition("/")[2])
    page.reload()

    expect(page.get_by_text("finished", exact=True).first).to_be_visible()
    train = page.get_by_role("group", name="Evaluators").get_by_role("button", name="train")
    expect(train).to_contain_text(f"{run['train_loss']:.3f}")
    csv = page.get_by_role("link", name="Measurements (CSV)").get_attribute("href")
    assert page.request.get(csv or "").text().count("\n") == 3  # a header, 0 and 320
