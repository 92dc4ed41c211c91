"""Thinning keeps what matters, always the same, and hardly more than was asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.series.thinning import keep, thin
from tests.unit.services import slow_thinning

NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, math.nan])
)


@st.composite
def runs(draw, most_series=4):
    """Increasing `sequences` and some series over them."""
    steps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=120))
    sequences = [sum(steps[:index]) - steps[0] for index in range(1, len(steps) + 1)]
    column = st.lists(NUMBERS, min_size=len(steps), max_size=len(steps))
    return sequences, [draw(column) for _ in range(draw(st.integers(1, most_series)))]


@given(runs(), st.integers(1, 500), st.integers(1, 60))
def test_it_is_the_rule_as_it_was_first_written(run, width, max_points):
    assert keep(*run, width) == slow_thinning.keep(*run, width)
    assert thin(*run, max_points) == slow_thinning.thin(*run, max_points)


@given(runs(), st.integers(1, 500))
def test_every_bucket_keeps_its_last_and_the_extremes_of_every_series(run, width):
    sequences, series = run

    kept = set(keep(sequences, series, width))

    for bucket in {place // width for place in sequences}:
        members = [i for i, place in enumerate(sequences) if place // width == bucket]
        assert members[-1] in kept
        for numbers in series:
            known = [numbers[i] for i in members if not math.isnan(numbers[i])]
            shown = [numbers[i] for i in members if i in kept]
            if known:
                assert min(known) in shown
                assert max(known) in shown
            assert (len(known) < len(members)) == any(map(math.isnan, shown))


@given(runs(), st.integers(1, 500))
def test_no_bucket_keeps_more_than_the_rule_needs(run, width):
    sequences, series = run

    kept = keep(sequences, series, width)

    buckets = len({place // width for place in sequences})
    assert len(kept) <= buckets * (1 + 3 * len(series))
    assert kept == sorted(set(kept))


@given(runs(most_series=1), st.integers(10, 60))
def test_as_many_are_kept_as_were_asked_for_and_always_the_same(run, max_points):
    sequences, series = run

    kept, width = thin(sequences, series, max_points)

    assert len(kept) <= max_points
    assert kept[-1] == len(sequences) - 1
    assert (kept, width) == thin(sequences, series, max_points)
    if len(sequences) <= max_points:
        assert (kept, width) == (list(range(len(sequences))), None)
    else:
        assert kept == keep(sequences, series, width)


@given(runs(), st.integers(10, 60), st.integers(1, 1000))
def test_what_comes_later_changes_only_the_last_bucket(run, width, step):
    sequences, series = run
    more = [*sequences, sequences[-1] + step]

    before = keep(sequences, series, width)
    after = keep(more, [[*numbers, 0.0] for numbers in series], width)

    settled = {i for i in before if sequences[i] // width < sequences[-1] // width}
    assert settled <= set(after)


@given(runs(), st.integers(0, 8))
def test_wider_buckets_keep_some_of_what_narrower_ones_keep(run, power):
    sequences, series = run

    narrow, wide = (set(keep(sequences, series, width)) for width in (2**power, 2 ** (power + 1)))

    assert wide <= narrow


def test_buckets_do_not_creep_while_a_run_grows():
    for count in range(1000, 3000, 37):
        sequences = [5000 * n for n in range(count)]

        _, width = thin(sequences, [[0.5] * count], 500)

        assert width.bit_count() == 1


def test_many_series_in_few_points_end_in_one_bucket():
    sequences = list(range(1000))
    series = [[math.sin(n * (k + 1)) for n in sequences] for k in range(20)]

    kept, width = thin(sequences, series, 10)

    assert width == 1024
    assert len(kept) <= 41


@pytest.mark.parametrize("place", [0, 499, 998])
def test_a_single_spike_in_many_points_is_kept(place):
    numbers = [0.7] * 1000
    numbers[place] = 5.0

    kept, _ = thin([32 * n for n in range(1000)], [numbers], 20)

    assert place in kept


def test_places_before_0_are_thinned_like_others():
    """Comparisons aligned by midpoint count from it."""
    sequences = list(range(-400_000, -1000, 1000))

    kept, _ = thin(sequences, [[float(place % 7) for place in sequences]], 60)

    assert len(kept) <= 60
