"""Analyses beside the paper's: what the paper found, given as ours, is equal to it, and every claim
holds on it."""

import math
from collections.abc import Callable

import pytest

from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper import compared, tables
from app.schemas.paper.curves import STEPS
from app.schemas.paper.figure import PAPER, FigureAnalysis
from app.schemas.paper.registry import FIGURES
from app.schemas.paper.rules import MeasuredCurve
from tests.published_analyses import (
    STRENGTHS,
    added_back,
    along_training,
    every_head,
    numbers,
    perfect_match,
    previous_token_sets,
    sub_circuits,
    ways_to_output,
    wiring,
)

ASKED = [
    (figure, asked) for figure in FIGURES for asked in figure.analyses if not figure.more_lines
]
CURVES = {
    "1: previous-token head fixed": STEPS["Previous-token head fixed"],
    "C: match fixed": STEPS["Match fixed"],
}

FOUND: dict[str, Callable[[], AnalysisResult]] = {
    "every-head": every_head,
    "perfect-match": perfect_match,
    "wiring": wiring,
    "added-back": added_back,
    "previous-token-sets": previous_token_sets,
    "ways-to-output": ways_to_output,
    "sub-circuits": sub_circuits,
    "along-training": along_training,
}


def called(value: object) -> str:
    return value.preset if isinstance(value, FigureAnalysis) else str(getattr(value, "id", value))


@pytest.mark.parametrize(("figure", "asked"), ASKED, ids=called)
def test_every_claim_holds_on_what_the_paper_found(figure, asked):
    found = FOUND[asked.preset]()
    curves = {name: MeasuredCurve(*zip(*one.points, strict=True)) for name, one in CURVES.items()}

    for claim in asked.claims:
        verdict = claim.rule(found, curves)
        assert verdict.holds is True, (claim.text, verdict.figures)
        assert verdict.figures


@pytest.mark.parametrize(("figure", "asked"), ASKED, ids=called)
def test_what_the_paper_found_stands_beside_itself(figure, asked):
    found = FOUND[asked.preset]()

    for table in asked.tables:
        shown = table.with_ours(found)
        assert {len(row) for row in shown.rows} == {len(shown.columns)}
        ours = [row for row in shown.rows if str(row[0]).endswith("ours")]
        paper = [row for row in shown.rows if str(row[0]).endswith(PAPER)]
        assert ours
        assert len(paper) >= len(ours)
        for own, published in zip(ours, paper, strict=False):
            for mine, theirs in zip(own[1:], published[1:], strict=True):
                if isinstance(mine, float) and isinstance(theirs, (int, float)):
                    # Ratios and correlations follow from numbers that are rounded themselves.
                    assert mine == pytest.approx(theirs, abs=0.006), (own[0], published[0])


def test_claims_that_do_not_hold_say_so():
    found = every_head()
    levels = [0.5 + 0.01 * ((one.head or 0) % 3) for one in found.cells]
    cells = [
        one.model_copy(update={"accuracy": level})
        for one, level in zip(found.cells, levels, strict=True)
    ]
    turned = found.model_copy(update={"cells": cells})

    [claims] = [one.claims for figure, one in ASKED if figure.id == "fig-4a"]
    assert [claim.rule(turned, {}).holds for claim in claims] == [False, False]


def test_the_interval_of_a_correlation_is_fishers():
    found = compared.correlation(STRENGTHS, numbers(tables.ONLY_ACCURACY, 0))

    assert found.value == pytest.approx(0.959, abs=5e-4)
    half = 1.96 / math.sqrt(5)
    assert math.atanh(found.high) - math.atanh(found.value) == pytest.approx(half)
    assert math.atanh(found.value) - math.atanh(found.low) == pytest.approx(half)
    perfect = compared.correlation([1, 2, 3, 4], [2, 4, 6, 8])
    assert perfect.low > 0.99
