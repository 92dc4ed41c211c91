"""The guide and the tour: nothing unexplained, and no number that the science does not have."""

import math
import re

import pytest

from app.routes.pages.router import NAVIGATION
from app.schemas.measure import METRICS, Bracket, Measurement, PhaseBrackets, PhaseChange
from app.services.help.guide import ENTRIES, WORDS, explained, guide_page
from app.services.run_page.tour import tour
from app.templating import WEB, environment
from worker.science import phase_change

NO_MEASURES = {"sequences", "elapsed_seconds"}
STRENGTHS = ((0.9, 0.1), (0.2, 0.8))
MEASURED = Measurement(
    sequences=256_000,
    elapsed_seconds=10,
    **dict.fromkeys(METRICS, (0.5,) * 4),
    induction_strength=STRENGTHS,
    previous_token_strength=STRENGTHS,
)
HOW = re.compile(r"ui\.how\(.*?\[(.*?)\]")


def test_every_measure_that_a_run_reports_is_explained():
    assert set(Measurement.model_fields) - NO_MEASURES <= set(ENTRIES)
    for entry in ENTRIES.values():
        assert all((entry.says, entry.formula, entry.range, entry.unit, entry.sources)), entry.id


def test_the_levels_of_the_phase_change_are_those_that_are_computed():
    said = re.findall(r"≤ ([\d.]+) c", ENTRIES["phase_change"].formula)
    levels = (phase_change.ONSET_LEVEL, phase_change.MIDPOINT_LEVEL, phase_change.END_LEVEL)
    assert tuple(map(float, said)) == levels

    said = re.findall(r"≤ ([\d.]+) c", ENTRIES["plateau"].formula)
    assert tuple(map(float, said)) == (phase_change.PLATEAU_LEVEL, phase_change.ONSET_LEVEL)


def test_the_page_holds_every_measure_under_its_own_anchor():
    context = vars(guide_page()) | {"navigation": NAVIGATION}
    html = environment.get_template("help/guide.html").render(context)

    for id in ENTRIES:
        assert html.count(f'id="{id}"') == 1, id
    assert all(f"<dt>{word.word}</dt>" in html for word in WORDS)


def test_templates_ask_only_for_measures_that_there_are():
    asked = [
        id
        for template in (WEB / "templates").glob("*/*")
        for ids in HOW.findall(template.read_text())
        for id in re.findall(r'"(\w+)"', ids)
    ]

    assert len(asked) >= 6
    assert [entry.id for entry in explained(*asked)] == asked


def test_a_popover_opens_without_a_script():
    html = environment.from_string('{{ ui.how("loss", ["loss"], "-here") }}').render()

    assert 'popovertarget="how-loss-here"' in html
    assert 'id="how-loss-here" popover' in html
    assert "−ln p(right label)" in html


class At:
    """As much of a run as the tour speaks of."""

    is_terminal = True
    labels_in_context = 2
    chance_loss = math.log(2)
    description = ("Nothing is clamped: every head learns freely.",)
    phase_change = PhaseChange(
        plateau_start=43_000, plateau_end=169_000, onset=169_000, midpoint=256_000
    )
    phase_change_between = PhaseBrackets(
        onset=Bracket(after=165_000, until=170_000), midpoint=Bracket(after=255_000, until=260_000)
    )
    phase_change_is_clamped = False


def test_the_tour_speaks_of_the_run_at_hand():
    steps = {step.title: step.text for step in tour(At(), MEASURED)}

    assert "ln 2 = 0.693" in steps["The plateau"]
    assert "from 43k to 169k sequences" in steps["The plateau"]
    assert (
        "its onset lies between 165k and 170k, its midpoint between 255k and 260k"
        in steps["The phase change"]
    )
    assert "it ends" not in steps["The phase change"]
    assert "Layer 2, head 1, at 0.80" in steps["Induction heads"]
    assert "Layer 1, head 0, at 0.90" in steps["Heads that look one token back"]
    assert "Nothing is clamped" in steps["Clamps are light"]


@pytest.mark.parametrize(("has_ended", "said"), [(True, "showed no"), (False, "has shown no")])
def test_the_tour_of_a_run_without_numbers_says_so(has_ended, said):
    run = At()
    run.is_terminal, run.phase_change = has_ended, PhaseChange()
    run.phase_change_between = None
    steps = {step.title: step.text for step in tour(run, None)}

    assert len(steps) == 6
    assert f"{said} plateau" in steps["The plateau"]
    assert f"{said} phase change" in steps["The phase change"]
    assert "as soon as training starts" in steps["Induction heads"]
