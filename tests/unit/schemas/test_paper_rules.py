"""Rules that decide the paper's claims, on curves whose answer is plain."""

import pytest

from app.schemas.paper.rules import (
    LEVELS,
    EndsAbove,
    EndsBelow,
    InOrder,
    LongerPlateau,
    MeasuredCurve,
    at,
    crossing,
)

EARLY = MeasuredCurve([0, 100, 200], [2.0, 0.0, 0.0])
LATE = MeasuredCurve([0, 100, 200], [2.0, 0.8, 0.0])
NEVER = MeasuredCurve([0, 100, 200], [2.0, 0.7, 0.7])
GOING = NEVER._replace(is_whole=False)


def test_a_crossing_lies_on_the_line_between_two_measurements():
    assert crossing(EARLY, 0.5) == 75
    assert crossing(NEVER, 0.5) is None
    assert crossing(MeasuredCurve([5], [0.1]), 0.5) == 5
    assert at(EARLY, 50) == 1.0
    assert at(EARLY, 201) is None


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        (EARLY, LATE, True),
        (LATE, EARLY, False),
        (EARLY, NEVER, True),
        (NEVER, EARLY, False),
        (EARLY, GOING, None),
        (NEVER, NEVER, None),
    ],
)
def test_an_order_is_one_of_crossings_and_what_goes_on_does_not_tell(first, second, holds):
    assert InOrder(("a", "b"))({"a": first, "b": second}).holds is holds


def test_ends_are_compared_once_the_run_has_ended():
    curves = {"a": EARLY, "b": NEVER, "c": GOING}

    assert EndsBelow(("a",), 0.1)(curves).holds is True
    assert EndsBelow(("a", "b"), 0.1)(curves).holds is False
    assert EndsAbove(("b",), 0.5)(curves) == (True, "the lowest end is 0.700 nats, of b")
    assert EndsBelow(("c",), 0.1)(curves).holds is None


def test_the_longest_plateau_is_that_of_the_slowest_fall_through_ln_2():
    flat = MeasuredCurve([0, 10, 190, 200], [2.0, 0.8, 0.7, 0.0])

    assert LongerPlateau("b", ("a",))({"a": EARLY, "b": flat}).holds is True
    assert LongerPlateau("a", ("b",))({"a": EARLY, "b": flat}).holds is False
    assert LongerPlateau("a", ("b",))({"a": EARLY, "b": NEVER}).holds is None
    assert LEVELS["½ ln 2"] == pytest.approx(0.34657, abs=1e-5)
