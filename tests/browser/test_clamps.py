"""The whole catalogue of clamps from the form's own controls."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.test_launch import RUN_PAGE, clamps, head, pick, words

CHECKPOINT = "file:weights.npz#params"
BESIDE = "L0H0.v"  # silenced, gives what is preserved something to be preserved from


def settings(page: Page) -> Locator:
    return page.get_by_role("region", name="Settings of the light")


def setting(page: Page, label: str) -> Locator:
    """Every kind has controls of its own; those of the light in hand are to be seen."""
    return settings(page).get_by_label(label, exact=True).locator("visible=true")


def rows(page: Page) -> Locator:
    return clamps(page).get_by_role("listitem")


def add(page: Page, site: str = "") -> None:
    if site:
        setting(page, "Site").fill(site)
    settings(page).get_by_role("button", name="Add").click()


def clear(page: Page) -> None:
    pick(page, "Clear")
    page.get_by_role("button", name="Whole model").click()
    expect(rows(page)).to_have_count(0)


def test_every_kind_of_the_catalogue_can_be_put_on_the_program_and_previewed(page, program):
    page.goto("/runs/new")
    page.get_by_role("button", name="more lights").click()
    catalogue = program.get("/clamps")

    for entry in catalogue:
        pick(page, entry["name"])
        for name, schema in entry["settings"].items():
            if "default" not in schema:
                assert name == "checkpoint"
                field = setting(page, schema["title"])
                field.fill(CHECKPOINT)
        add(page)
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text(entry["name"])
        expect(rows(page)).to_contain_text(entry["usual"])
        if entry["light"] == "preserved" and not entry["settings"].get("checkpoint"):
            expect(rows(page)).to_contain_text("no other clamp changes what leads there")
            pick(page, "Ablate")
            add(page, BESIDE)
        expect(words(page)).to_contain_text(re.compile("Left to learn: |Fixed: "))
        expect(clamps(page).locator(".error:not(:empty)")).to_have_count(0)
        clear(page)
    assert len(catalogue) >= 16


def test_a_clamp_with_a_strength_and_a_window_is_launched_as_it_was_set(page, program):
    page.goto("/runs/new")
    pick(page, "Induction pattern")
    head(page, "Layer 2, head 3").click()
    expect(settings(page).get_by_role("heading")).to_have_text("Clamp 1")
    strength = setting(page, "Strength")
    strength.fill("0.75")
    expect(settings(page).get_by_role("slider").locator("visible=true")).to_have_value("0.75")
    settings(page).get_by_text("When: the whole training").locator("visible=true").click()
    setting(page, "On from").fill("64")
    setting(page, "Off from").fill("1,280")
    expect(rows(page)).to_contain_text("with strength 0.75")
    expect(rows(page)).to_contain_text("from 64 to 1,280 sequences")
    expect(words(page)).to_contain_text("Fixed from 64 to 1,280 sequences: step 4.")

    head(page, "Layer 2, head 5").click()
    expect(rows(page)).to_contain_text("L1H3,5.pattern[query]")
    page.get_by_label("Sequences", exact=True).fill("2,560")
    page.get_by_role("button", name="Launch").click()

    page.wait_for_url(RUN_PAGE)
    (clamp,) = program.get(f"/runs/{page.url.rpartition('/')[2]}/config")["program"]
    assert clamp == {
        "kind": "set_pattern",
        "target": "induction",
        "site": "L1H3,5.pattern[query]",
        "strength": 0.75,
        "from_sequences": 64,
        "until_sequences": 1280,
    }
    expect(page.get_by_role("region", name="Program")).to_contain_text("from 64 to 1,280 sequences")


def test_a_refusal_stands_at_its_clamp_until_it_is_put_right(page):
    page.goto("/runs/new?preset=match")
    rows(page).first.get_by_role("button", name="Edit").click()
    strength = setting(page, "Strength")

    strength.fill("7")
    expect(rows(page).first).to_contain_text("L1H3.pattern[query]: “Strength” must be at most 1.")
    expect(words(page)).to_contain_text("This program cannot be")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was launched")).to_be_visible()
    expect(strength).to_have_value("7")

    strength.fill("0.7")
    expect(rows(page).first).not_to_contain_text("must be")
    expect(words(page)).to_contain_text("Fixed: step 4.")
    rows(page).last.get_by_role("button", name="Remove").click()
    expect(rows(page)).to_have_count(1)
    expect(head(page, "Layer 2, head 0")).to_have_accessible_name("Layer 2, head 0: learns")


def test_layers_and_the_whole_model_are_targets_where_a_kind_has_no_heads(page):
    page.goto("/runs/new")
    pick(page, "Perfect layer 1")
    page.get_by_role("button", name=re.compile("^Layer 1")).first.click()
    expect(rows(page)).to_contain_text("L0.resid")
    expect(words(page)).to_contain_text("Fixed: steps 1 and 2.")

    pick(page, "Ablate")
    setting(page, "Point").select_option("embed")
    page.get_by_role("button", name="Whole model").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).last).to_contain_text("embed")

    rows(page).first.get_by_role("button", name="Remove").click()
    setting(page, "Point").select_option("v")
    expect(rows(page).last).to_contain_text("L*.v")


ADDED = """async ([program, clamp]) => {
  const clamps = await import("/static/js/launch/clamps.js");
  const catalogue = JSON.parse(document.getElementById("catalogue").textContent);
  const shape = { layers: [0, 1], heads: [0, 1, 2, 3] };
  const after = clamps.added(program, clamp, catalogue, shape).program;
  return after.map(({ kind, site }) => [kind, site]);
}"""
SITES = {
    "silence": {"kind": "ablate"},
    "back": {"kind": "set_pattern", "target": "previous_token", "strength": 1},
    "find": {"kind": "set_pattern", "target": "induction", "strength": 1},
    "keep": {"kind": "preserve"},
    "half": {"kind": "scale", "by": 0.5},
    "third": {"kind": "scale", "by": 0.3},
    "copy": {"kind": "perfect_copy"},
    "early": {"kind": "ablate", "until_sequences": 9},
    "late": {"kind": "ablate", "from_sequences": 9},
    "unseen": {"kind": "forbid", "target": "previous_token"},
    "labels": {"kind": "forbid", "target": "non_labels"},
}


def clamps_of(text: str) -> list[dict]:
    """`find L1H3.v; copy L1H0.score[query]` as clamps."""
    pairs = (part.split() for part in text.split(";") if part.strip())
    return [{**SITES[name], "site": site} for name, site in pairs]


def test_lights_share_clamps_and_give_way_to_what_is_painted_over_them(page):
    page.goto("/runs/new")
    for before, painted, after in (
        ("silence L1H0.v", "silence L1H2.v", "silence L1H0,2.v"),
        ("silence L1H0,1,2.v", "silence L1H3.v", "silence L1.v"),
        ("silence L1H0.v", "silence L0H0.v", "silence L1H0.v; silence L0H0.v"),
        ("silence L1H0.v", "silence L1H0.z", "silence L1H0.v; silence L1H0.z"),
        (
            "find L1H0,1.pattern[query]",
            "back L1H1.pattern",
            "find L1H0.pattern[query]; back L1H1.pattern",
        ),
        (
            "back L*.pattern",
            "back L1H1.pattern[labels]",
            "back L0.pattern; back L1H0,2,3.pattern; back L1H1.pattern[labels]",
        ),
        (
            "keep L*.pattern",
            "find L1H1.pattern[query]",
            "keep L*.pattern; find L1H1.pattern[query]",
        ),
        ("half L1H0,1.z", "third L1H1.z", "half L1H0.z; third L1H1.z"),
        ("copy L1H0.score[query]", "copy L1H1.score[query]", "copy L1H1.score[query]"),
        ("early L1H0.v", "late L1H0.v", "early L1H0.v; late L1H0.v"),
        ("early L1H0.v", "silence L1H0.v", "silence L1H0.v"),
        (
            "unseen L1H0.score",
            "labels L1H0.score[query]",
            "unseen L1H0.score; labels L1H0.score[query]",
        ),
        ("silence embed", "silence embed", "silence embed"),
    ):
        (clamp,) = clamps_of(painted)
        found = page.evaluate(ADDED, [clamps_of(before), clamp])
        assert found == [[one["kind"], one["site"]] for one in clamps_of(after)], (before, painted)
