"""Every page, and what opens on it, as axe-core sees it: nothing serious, nothing critical."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.axe import violations

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 780}
# What depends on colours; the others do not change with the theme.
COLOURS = ("color-contrast", "link-in-text-block")
# What depends on the layout.
PLACES = ("color-contrast", "target-size", "scrollable-region-focusable", "aria-hidden-focus")


@pytest.fixture(scope="module")
def study(program, finished_run) -> str:
    """A study of the finished run alone: nothing is trained for it."""
    config = program.get(f"/runs/{finished_run}/config")
    return str(program.post("/studies", name="Of one run", base=config)["id"])


@pytest.fixture(scope="module")
def board(program, finished_run) -> str:
    """A board with a text and a figure of the finished run."""
    text = {"kind": "text", "markdown": "# Why\nThe loss **falls** at once."}
    figure = {"kind": "run", "run_id": finished_run, "caption": "Its loss"}
    return str(program.post("/boards", title="Notes", blocks=[text, figure])["id"])


def test_no_page_has_a_serious_violation_wide_or_narrow_light_or_dark(
    browse, watch, finished_run, study, board
):
    watch.allow("status of 404")
    page = browse(viewport=WIDE, color_scheme="light")
    found = {}
    for path in (
        "/welcome",
        "/runs",
        "/runs?group=state",
        "/runs/new",
        f"/runs/{finished_run}",
        "/studies",
        "/studies/new",
        f"/studies/{study}",
        f"/compare?runs={finished_run}",
        "/boards",
        f"/boards/{board}",
        "/workers",
        "/import",
        "/paper",
        "/paper/fig-5b",
        "/guide",
        "/docs",
        "/runs/nothing",
    ):
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if path.endswith((finished_run, study, board)):
            expect(page.locator(".xtitle").first).to_be_visible()
        for name, look in LOOKS.items():
            found |= {f"{path}, {name}": seen for seen in [look(page)] if seen}
    assert not found, "\n".join(f"{where}:\n{chr(10).join(seen)}" for where, seen in found.items())


def wide_and_light(page: Page) -> list[str]:
    return violations(page)


def wide_and_dark(page: Page) -> list[str]:
    page.emulate_media(color_scheme="dark")
    return violations(page, rules=COLOURS)


def narrow_and_dark(page: Page) -> list[str]:
    page.set_viewport_size(NARROW)
    return violations(page, rules=PLACES)


LOOKS = {
    "wide and light": wide_and_light,
    "wide and dark": wide_and_dark,
    "narrow and dark": narrow_and_dark,
}


def test_what_opens_on_a_page_has_no_serious_violation_either(browse, finished_run):
    page = browse(viewport=WIDE, newcomer=True)
    page.goto(f"/runs/{finished_run}")
    expect(page.locator("#toasts")).to_contain_text("New here?")
    assert violations(page, "#toasts") == []

    page.get_by_role("button", name="How induction strength is computed").click()
    assert violations(page, ".popover:popover-open") == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Theme: system").click()
    assert violations(page, "#theme-menu") == []
    page.get_by_role("button", name="Notifications").click()
    assert violations(page, "#notices-menu") == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page, "#help") == []
    page.get_by_role("button", name="Take the tour").last.click()
    assert violations(page, "#tour") == []
