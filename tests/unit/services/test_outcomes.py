"""Settings and outcomes: ranks, correlations and axes, against numbers worked out by hand."""

import math

import pytest

from app.schemas.series import INDUCTION
from app.services.outcomes.correlations import correlate, correlations, ranks, spearman
from app.services.outcomes.heads import HeadPicture, HeadPictures, heads_figure
from app.services.outcomes.parallel import NONE, parallel_figure
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import DrawnRun, scatter_figure
from app.services.outcomes.view import missing_said
from app.services.wording import cut


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


@pytest.mark.parametrize(("runs", "little"), [(9, True), (10, False)])
def test_fewer_than_ten_runs_tell_little(runs, little):
    assert correlate(quantity(*range(runs)), quantity(*range(runs))).tells_little is little


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
        ((0.0004, 0.6), "nats", False, False),
        ((100.0, 1e4, 1e6), "sequences", False, False),
    ],
)
def test_an_axis_is_logarithmic_where_settings_are_spaced_so(values, unit, is_setting, expected):
    assert quantity(*values, unit=unit, is_setting=is_setting).is_log is expected


def test_words_lie_at_their_places_in_the_order():
    found = quantity("b", "a", None, "b", order=("a", "b"))

    assert found.numbers == [1, 0, None, 1]


def runs_named(count: int) -> list[DrawnRun]:
    return [DrawnRun(f"r{n}", f"run <{n}>", "#4466CC") for n in range(count)]


def trace(figure: dict, uid: str) -> dict:
    [found] = [one for one in figure["data"] if one["uid"] == uid]
    return found


def test_dots_of_one_setting_lie_apart_in_the_same_way_each_time_around_their_median():
    x = quantity("a", "b", "b", "b", name="word", unit="", is_setting=True, order=("a", "b"))
    y = quantity(1.0, 2.0, 9.0, 3.0)

    found = scatter_figure(x, y, runs_named(4))

    dots = trace(found, "runs")
    assert dots["y"] == [1, 2, 9, 3]
    assert dots["x"] == pytest.approx([0, 1, 0.82, 1.18])
    assert dots == trace(scatter_figure(x, y, runs_named(4)), "runs")
    medians = trace(found, "medians")
    assert medians["x"] == [0.73, 1.27, None]
    assert medians["y"] == [3, 3, None], "one run has no median of its own"
    assert found["layout"]["xaxis"]["ticktext"] == ["a", "b"]


def test_names_that_are_cut_keep_the_ends_in_which_they_differ():
    names = [f"One head only, initial weights seed {seed}" for seed in (5, 16)]
    five, sixteen = (cut(name, 28) for name in names)
    assert (five, sixteen) == ("One head only,…eights seed 5", "One head only,…ights seed 16")
    assert cut("short", 28) == "short"


def test_names_of_runs_are_no_markup():
    found = scatter_figure(quantity(1, 2), quantity(3, 4, name="end"), runs_named(2))

    assert trace(found, "runs")["text"][1] == (
        "<b>run &lt;1&gt;</b><br>midpoint: 2 sequences<br>end: 4 sequences"
    )


def test_runs_without_a_value_are_counted_and_named():
    never = "its loss never dropped"
    missing = {1: never, 2: never, 3: "has not been measured"}
    one = Quantity("midpoint", "Midpoint", "sequences", False, [1, None, None, None], missing)

    assert missing_said(one, ["a", "b", "c", "d"]) == (
        "3 of 4 runs have no midpoint: b and c (its loss never dropped), d (has not been measured)."
    )


def test_lines_go_from_the_least_to_the_greatest_and_below_where_there_is_no_value():
    rate = quantity(1e-5, 1e-4, 1e-3, name="rate", unit="", is_setting=True)
    place = Quantity("midpoint", "Midpoint", "sequences", False, [300, None, 100], {1: "never"})

    found = parallel_figure([rate, place], runs_named(3))

    lines, *_keys, pointed_at = found["data"]
    assert (pointed_at["uid"], pointed_at["x"]) == ("pointed-at", [])
    assert found["layout"]["meta"]["each"] == 3
    assert lines["x"] == [0, 1, None] * 3
    assert lines["y"] == [0, 1, None, 0.5, NONE, None, 1, 0, None]
    assert "never" in lines["text"][4]
    labels = {(note["x"], note["y"]): note["text"] for note in found["layout"]["annotations"][1:]}
    assert labels[0, 0] == "1e-5"
    assert (labels[1, 1], labels[1, 0], labels[1, NONE]) == ("300", "100", "none")


def test_long_words_about_the_first_axis_stay_inside():
    order = ("Ablate: layers 1 and 2, heads 0 to 3", "Unclamped", "Preserve: layer 2, heads 4 to 7")
    words = quantity(*order, name="clamps", unit="", is_setting=True, order=order)

    found = parallel_figure([words, quantity(1, 2, 3)], runs_named(3))

    margin = found["layout"]["margin"]["l"]
    notes = [note for note in found["layout"]["annotations"] if note["name"] == "value"]
    outer = [note for note in notes if note["x"] == 0 and note["y"] in (0, 1)]
    assert [(note["xanchor"], note["xshift"]) for note in outer] == [("left", -margin)] * 2
    assert [note.get("xanchor") for note in notes if note["x"] == 1] == [None, None]


def test_heads_are_drawn_in_one_scale_and_say_where_they_stand_in_for_the_midpoint():
    strengths = [[0.1, 0.2], [0.3, math.nan]]
    pictures = [HeadPicture("a", 400_000, strengths, False), HeadPicture("b", 900, strengths, True)]

    found = heads_figure(HeadPictures(INDUCTION, "midpoint", pictures, 3, 0), columns=4)

    assert [one["zmin"] for one in found["data"]] == [-1, -1]
    assert [one["showscale"] for one in found["data"]] == [True, False]
    assert found["data"][0]["z"] == [[0.1, 0.2], [0.3, None]]
    titles = [note["text"] for note in found["layout"]["annotations"]]
    assert titles == ["a", "at 400k", "b", "no midpoint: last, at 900"]
