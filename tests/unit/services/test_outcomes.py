"""Settings and outcomes: ranks, correlations and axes, against numbers worked out by hand."""

import math

import pytest

from app.services.outcomes.correlations import correlate, correlations, ranks, spearman
from app.services.outcomes.quantities import Quantity


def quantity(*values, name="midpoint", unit="sequences", is_setting=False, order=()) -> Quantity:
    return Quantity(name, name, unit, is_setting, values, order=order)


def test_equal_numbers_share_the_mean_of_their_ranks():
    assert ranks([30, 10, 20, 10, 30, 30]) == [5, 1.5, 3, 1.5, 5, 5]


def test_spearman_with_ties_is_pearson_of_the_ranks():
    # Ranks 1.5 1.5 3 4 and 1 2 3.5 3.5, both around 2.5: products -1 * -1.5, -1 * -0.5, 0.5 * 1,
    # 1.5 * 1 sum to 4; squares to 4.5 and to 4.5.
    found = spearman([1, 1, 2, 9], [5, 6, 7, 7])

    assert found.value == pytest.approx(4 / 4.5)
    z = math.atanh(4 / 4.5)
    assert found.low == pytest.approx(math.tanh(z - 1.96))
    assert found.high == pytest.approx(math.tanh(z + 1.96))


def test_a_correlation_is_over_the_runs_that_have_both():
    few = correlate(quantity(1, 2, None, 4), quantity(1, 2, 3, None))
    assert (few.runs, few.rho, few.tells_little) == (2, None, True)

    x, y = quantity(*range(11), None), quantity(*(-n for n in range(11)), 5)
    many = correlate(x, y)
    assert many.rho.value == pytest.approx(-1)
    assert (many.runs, many.tells_little) == (11, False)


def test_a_number_that_never_changes_goes_with_nothing():
    assert spearman([1, 2, 3, 4], [7, 7, 7, 7]) is None


def test_what_is_said_in_words_and_settings_among_each_other_are_not_correlated():
    rate, size = (quantity(1, 2, name=n, is_setting=True) for n in ("rate", "size"))
    head = quantity("L1H0", "L1H1", name="head", order=("L1H0", "L1H1"))

    found = correlations([rate, size, quantity(3, 4), head, quantity(3, 4, name="end")])

    pairs = [(one.x, one.y) for one in found]
    wanted = [(x, y) for x in ("rate", "size") for y in ("midpoint", "end")]
    assert pairs == [*wanted, ("midpoint", "end")]


@pytest.mark.parametrize(
    ("values", "unit", "is_setting", "expected"),
    [
        ((1e-5, 1e-4, 1e-3), "", True, True),
        ((2, 4, 8, 16), "", True, True),
        ((0.1, 0.2, 0.3, 0.4), "", True, False),
        ((0, 1, 10, 100), "", True, False),
        ((1e-3, 1e-2), "", True, False),
        ((0.0004, 0.01, 0.6), "nats", False, True),
        ((0.1, 0.3, 0.6), "nats", False, False),
        ((100.0, 1e4, 1e6), "sequences", False, False),
    ],
)
def test_an_axis_is_logarithmic_where_settings_are_spaced_so(values, unit, is_setting, expected):
    assert quantity(*values, unit=unit, is_setting=is_setting).is_log is expected


def test_words_lie_at_their_places_in_the_order():
    found = quantity("b", "a", None, "b", order=("a", "b"))

    assert found.numbers == [1, 0, None, 1]
