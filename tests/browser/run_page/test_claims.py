"""What a run's page claims of a run, and how sure it says it is."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support.program import SMALL

UNTIL = SMALL["training"]["sequences"] // 2  # the end of the window
# The smoothed line of the train evaluator and the measured one, from the window's end on.
AFTER_THE_WINDOW = """
place => {
  const { data } = document.getElementById("loss-chart");
  const twin = data.find(({ meta }) => meta.smoothed && meta.evaluator === 0);
  const at = data[0].x.findIndex((x) => x >= place);
  return [data[0].y.slice(at, at + 2), twin.y.slice(at, at + 2)];
}
"""
LABELS = """
() => [...document.querySelectorAll("#loss-chart .annotation")].map((one) => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return { text: one.textContent, left, right, top, bottom };
})
"""
# How large the letters are on the screen, in pixels.
SIZES = """
() => [...document.querySelectorAll("svg.circuit text")].map(
  (one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)
"""
READABLE = 10  # pixels


def test_a_phase_change_under_a_clamp_and_reversed_is_claimed_as_that_alone(page, windowed_run):
    page.goto(f"/runs/{windowed_run}?smooth=0.9")

    claim = page.locator("#status .mark")
    expect(claim).to_contain_text(
        re.compile(r"^phase change under clamp: midpoint between .+ and .+, reversed by 4\.8k")
    )
    expect(page.locator("#events")).to_contain_text("Phase change reversed")
    expect(page.locator("#story")).to_contain_text("fell under a clamp")
    expect(page.locator("#story")).to_contain_text("by 4.8k it was back above")
    step = page.locator('#steps [data-step="4"]')
    expect(step).to_contain_text("fixed until 4,800 sequences")
    program = page.get_by_role("region", name="Program")
    expect(program).to_contain_text("until 4,800 sequences")
    expect(program).not_to_contain_text("always")

    # The average begins anew: it is not drawn where the clamped head had brought it.
    page.wait_for_function("() => document.getElementById('loss-chart').data?.length > 4")
    measured, smoothed = page.evaluate(AFTER_THE_WINDOW, UNTIL)
    assert smoothed[0] == pytest.approx(measured[0])
    assert smoothed[1] != pytest.approx(measured[1])

    page.goto("/runs?q=clamped+for+a+while&columns=state,midpoint")
    expect(page.locator(f"#run-{windowed_run}")).to_contain_text(
        re.compile("under clamp, reversed")
    )


def test_numbers_say_between_which_measurements_they_are_and_of_how_many_sequences(
    page, finished_run
):
    page.goto(f"/runs/{finished_run}")

    expect(page.locator("#status .mark")).to_have_text(
        re.compile(r"midpoint between 960 and 1\.28k \(one seed\)")
    )
    head = page.locator("#induction-chart-legend [data-head]").nth(1)
    expect(head).to_have_attribute("title", re.compile("standard error at most .+, 64 sequences"))


def test_steps_say_what_was_measured_and_words_what_they_mean(page, finished_run):
    page.goto(f"/runs/{finished_run}")

    steps = page.get_by_role("list", name="Steps of the induction circuit")
    expect(steps).not_to_contain_text("learned")
    expect(steps.locator('[data-step="1"]')).to_contain_text(
        re.compile(r"strongest previous-token head: .+ threshold 0\.50, half: never")
    )
    expect(steps.locator('[data-step="3k"]')).to_contain_text("unrelated heads have 0.250")
    expect(page.locator("#circuit-full")).to_contain_text("unrelated heads: 0.250")
    expect(page.locator("#previous-token-chart-note")).to_contain_text(
        "below 0: the label tokens look back less than uniform attention would"
    )
    expect(page.locator(".light-key")).to_contain_text("ablate sets it to zero")
    page.get_by_text("What the four lines are").click()
    expect(page.locator(".four-lines")).to_contain_text("what its loss is above")


@pytest.mark.parametrize("width", [1440, 390])
def test_labels_keep_apart_and_the_smallest_texts_can_be_read(browse, finished_run, width):
    page = browse(viewport={"width": width, "height": 844})
    page.goto(f"/runs/{finished_run}")
    expect(page.locator("#loss-chart .annotation")).to_have_count(4)

    labels = page.evaluate(LABELS)
    meeting = [
        (one["text"], other["text"])
        for index, one in enumerate(labels)
        for other in labels[:index]
        if one["left"] < other["right"] and other["left"] < one["right"]
        and one["top"] < other["bottom"] and other["top"] < one["bottom"]
    ]  # fmt: skip
    assert meeting == []
    assert min(page.evaluate(SIZES)) >= READABLE
