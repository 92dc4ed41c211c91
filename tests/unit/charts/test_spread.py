"""Mean and range of a group: of the same places of all curves, and of how many they are."""

import math
import random
from itertools import chain

import pytest

from app.db.series import Curve
from app.services.charts.spread import COMMON_PLACES, SpreadPoint, Stretch, joined, spread

HALF = math.log(2) / 2


def curve(run_id: str, *points: tuple[int, float]) -> Curve:
    return Curve(run_id, [place for place, _ in points], [number for _, number in points])


def flat(run_id: str, start: int, stop: int) -> Curve:
    return curve(run_id, *((place, 1.0) for place in range(start, stop, 1000)))


def points_of(stretches: list[Stretch]) -> dict[int, SpreadPoint]:
    return {point.at: point for point in chain.from_iterable(stretches)}


def falling(run_id: str, origin: int) -> Curve:
    """A loss that is half of ln 2 at `origin`, counted from there, but is not measured there."""
    places = [place - origin for place in range(0, 800_001, 5000)]
    return Curve(run_id, places, [HALF - min(max(5e-5 * at, -0.35), 0.34) for at in places])


def test_curves_that_are_equal_at_a_place_have_that_mean_there_and_no_range():
    origins = (270_754, 251_103, 300_001, 288_889)
    curves = [falling(str(n), origin) for n, origin in enumerate(origins)]

    at = points_of(spread(curves, 4))[0]

    assert at.mean == pytest.approx(HALF, abs=1e-12)
    assert (at.least, at.most) == pytest.approx((HALF, HALF), abs=1e-12)
    assert at.count == 4


def test_the_range_never_leaves_the_lines_and_leaves_out_none_of_their_numbers():
    chance = random.Random(3)
    curves = [
        Curve(str(n), list(range(-start, 900_000 - start, 3000)),
              [chance.random() for _ in range(300)])
        for n, start in enumerate((200_000, 201_111, 212_345, 187_654))
    ]  # fmt: skip

    points = points_of(spread(curves, 4))

    assert len(points) <= COMMON_PLACES + 2 * len(curves) + 1
    for at, point in points.items():
        lines = [number for one in curves if (number := line_at(one, at)) is not None]
        assert (point.least, point.most) == pytest.approx((min(lines), max(lines)))
        assert point.mean == pytest.approx(sum(lines) / len(lines))
    widest = {round(number, 9) for one in curves for number in (min(one.numbers), max(one.numbers))}
    reached = {round(number, 9) for one in points.values() for number in (one.least, one.most)}
    assert {min(widest), max(widest)} <= reached


def line_at(one: Curve, at: int) -> float | None:
    """By hand: the two neighbours, and the line between them."""
    if not one.sequences[0] <= at <= one.sequences[-1]:
        return None
    left = max(index for index, place in enumerate(one.sequences) if place <= at)
    right = min(index for index, place in enumerate(one.sequences) if place >= at)
    start, end = one.sequences[left], one.sequences[right]
    share = (at - start) / (end - start) if end > start else 0
    return one.numbers[left] * (1 - share) + one.numbers[right] * share


def test_a_mean_breaks_off_where_it_would_be_of_other_runs():
    late = flat("late", 2000, 6000)
    curves = [flat("a", 0, 6000), flat("b", 0, 6000), flat("short", 0, 4000), late]

    stretches = spread(curves, 4)

    assert [[one.at for one in part] for part in stretches] == [
        [0, 1000],
        [2000, 3000],
        [4000, 5000],
    ]
    assert [part[0].count for part in stretches] == [3, 4, 3]
    assert [one and one.at for one in joined(stretches)] == [
        0, 1000, None, 2000, 3000, None, 4000, 5000,
    ]  # fmt: skip


def test_as_many_but_others_is_another_mean():
    first, then = flat("first", 0, 2000), flat("then", 2000, 4000)
    stretches = spread([flat("a", 0, 4000), flat("b", 0, 4000), first, then], 4)

    assert [part[0].count for part in stretches] == [3, 3]


def test_it_is_taken_where_at_least_half_of_the_curves_and_two_are():
    curves = [flat(str(n), 0, 1000 * length) for n, length in enumerate((4, 3, 2, 2))]

    points = points_of(spread(curves, 4))

    assert {at: one.count for at, one in points.items()} == {0: 4, 1000: 4, 2000: 2}


def test_what_is_not_finite_has_no_part_in_it_nor_what_lies_beside():
    broken = curve("broken", (0, 5.0), (1000, math.nan), (2000, 5.0))
    fine = [curve(name, (0, 1.0), (500, 1.0), (1500, 1.0), (2000, 1.0)) for name in ("a", "b")]

    points = points_of(spread([broken, *fine], 3))

    assert {at: one.count for at, one in points.items()} == {
        0: 3, 500: 2, 1000: 2, 1500: 2, 2000: 3,
    }  # fmt: skip
    assert points[1500].mean == 1


def test_runs_that_are_measured_at_other_places_have_one_mean():
    often = Curve("a", [*range(0, 10_001, 1000)], [float(n) for n in range(11)])
    seldom = Curve("b", [0, 5024, 10_016], [0.0, 5.024, 10.016])

    points = points_of(spread([often, seldom], 2))

    assert sorted(points) == [*range(0, 6000, 1000), 5024, *range(6000, 10_001, 1000)]
    assert all(one.mean == pytest.approx(one.at / 1000) for one in points.values())


def test_moved_curves_meet_where_they_do_and_not_up_to_half_a_sequence_away():
    # One falls by 0.3 a sequence and crosses 1 at 10.5; moved by whole sequences it lies beside it.
    steep = curve("steep", (-10, 1 + 0.3 * 10.5), (10, 1 - 0.3 * 9.5))
    level = curve("level", (-10, 1.0), (10, 1.0))

    points = points_of(spread([steep, level], 2, {"steep": 0.5}))

    assert points[0].mean == pytest.approx(1, abs=1e-12)
    assert points[10].count == points[-10].count == 2


def test_of_a_part_the_mean_reaches_both_edges_and_goes_no_further():
    early, late = flat("early", -3000, 3000), flat("late", -2600, 3400)

    [stretch] = spread([early, late], 2, seen=(-1500, 1234))

    assert (stretch[0].at, stretch[-1].at) == (-1500, 1234)
    assert {one.count for one in stretch} == {2}


def test_nothing_is_made_of_nothing():
    assert spread([], 0) == []
    assert spread([Curve("a", [], []), Curve("b", [], [])], 2) == []
