"""Curves moved, subtracted, smoothed and ranked: numbers worked out by hand."""

import math

import pytest

from app.db.series import Curve
from app.errors import Invalid
from app.services.compare.curves import between, difference, differences, moved, smoothed
from app.services.compare.series import choices, ranked, series_or_error

BASE = Curve("base", [0, 100, 200, 400], [4.0, 3.0, 1.0, 0.0])


def curve(*pairs: tuple[int, float]) -> Curve:
    return Curve("run", [place for place, _ in pairs], [number for _, number in pairs])


def test_a_difference_is_taken_at_the_runs_own_places():
    same = difference(curve((0, 5), (100, 3), (200, 0.5), (400, 0)), BASE)

    assert (same.sequences, same.numbers) == ([0, 100, 200, 400], [1, 0, -0.5, 0])


def test_between_two_of_its_measurements_the_baseline_is_a_straight_line():
    # 3 at 100 and 1 at 200: 2.5 at 125. 1 at 200 and 0 at 400: 0.25 at 350.
    found = difference(curve((125, 3), (350, 1)), BASE)

    assert found.numbers == [0.5, 0.75]


def test_nothing_is_extrapolated_on_either_side():
    found = difference(curve((-50, 9), (0, 4), (400, 2), (401, 2)), BASE)

    assert (found.sequences, found.numbers) == ([0, 400], [0, 2])
    assert not difference(curve((500, 1)), BASE).sequences
    assert not difference(curve((0, 1)), Curve("base", [], [])).sequences


def test_what_is_not_finite_stays_a_gap_in_a_difference():
    baseline = Curve("base", [0, 100], [math.nan, math.inf])

    found = difference(curve((0, 1), (50, 1), (100, math.inf)), baseline)

    assert [math.isnan(number) for number in found.numbers] == [True, True, True]


def test_the_baseline_and_runs_that_share_nothing_with_it_have_no_difference():
    late = Curve("late", [500], [1.0])
    other = Curve("other", [100], [5.0])

    found = differences({"base": BASE, "late": late, "other": other}, "base")

    assert found == {"other": Curve("other", [100], [2.0])}
    assert differences({"other": other}, "base") == {}


def test_moved_curves_meet_at_their_origins():
    assert moved(BASE, 150).sequences == [-150, -50, 50, 250]
    fast, slow = curve((0, 2), (100, 1)), curve((200, 2), (300, 0.5))
    found = difference(moved(slow, 300), moved(fast, 100))
    assert (found.sequences, found.numbers) == ([-100, 0], [0, -0.5])


def test_smoothing_is_a_debiased_moving_mean_that_leaves_constants_alone():
    found = smoothed(curve((0, 4), (1, 0), (2, math.nan), (3, 2)), 0.5)

    # 4; (0.25 * 4 + 0.5 * 0) / 0.75; a gap; (0.125 * 4 + 0.25 * 0 + 0.5 * 2) / 0.875
    assert found.numbers[:2] == pytest.approx([4, 4 / 3])
    assert math.isnan(found.numbers[2])
    assert found.numbers[3] == pytest.approx(1.5 / 0.875)
    constant = curve(*((n, 0.7) for n in range(50)))
    assert smoothed(constant, 0.9).numbers == pytest.approx([0.7] * 50)
    assert smoothed(constant, 0) is constant


def test_a_part_of_a_curve_has_both_of_its_ends():
    assert between(BASE, 100, 200).sequences == [100, 200]
    assert between(BASE, 101, 399).sequences == [200]


def test_heads_are_ranked_by_strength_with_nan_last_and_equals_in_order():
    assert ranked([0.1, 0.9, math.nan, 0.5, 0.9]) == [1, 4, 3, 0, 2]


@pytest.mark.parametrize("family", choices([]))
def test_every_series_that_is_offered_can_be_asked_for(family):
    for name, title in choices([])[family].items():
        series = series_or_error(name)
        assert (series.id, series.title, series.family) == (name, title, family)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("loss.new_classes", "Loss, new classes"),
        ("strongest_induction.L1", "Strongest induction head, layer 2"),
        ("induction_strength.L1R1", "Strongest induction head, layer 2"),
        ("induction_strength.L1R2", "2nd strongest induction head, layer 2"),
        ("previous_token_strength.L0R11", "11th strongest previous-token head, layer 1"),
        ("previous_token_strength.L0H3", "Previous-token strength: layer 1, head 3"),
    ],
)
def test_series_are_named_as_people_say_them(name, title):
    assert series_or_error(name).title == title


@pytest.mark.parametrize(
    "name", ["", "loss", "loss.tests", "induction_strength.L1R0", "induction_strength.L1", "x.L1H1"]
)
def test_an_unknown_series_is_refused_with_what_would_be_right(name):
    with pytest.raises(Invalid, match=r"loss\.train|Ranks start at 1"):
        series_or_error(name)


def test_a_mean_begins_anew_where_another_program_does():
    found = smoothed(curve((0, 1), (1, 1), (2, 0), (3, 0)), 0.9, restarts=[2])

    assert found.numbers == pytest.approx([1, 1, 0, 0])
