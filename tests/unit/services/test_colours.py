"""Colours of runs: stable, many, and seen on every ground."""

import math
from collections import Counter
from itertools import combinations

import pytest

from app.services.colours import PALETTE, colour_of, distinct_colours

GROUNDS = ("#FFFFFF", "#141A21")  # of cards, light and dark


# How colours are seen: in linear RGB, by Machado, Oliveira and Fernandes (2009), at full severity.
SEEN = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
}
# OKLab, by Ottosson (2020): distances in it are about as large as differences look.
CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
OPPONENTS = (
    (0.2104542553, 0.793617785, -0.0040720468),
    (1.9779984951, -2.428592205, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.808675766),
)
LEAST_DISTANCE = 0.055  # plainly two colours; a just noticeable difference is about 0.02


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def times(matrix, vector) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    return times([(0.2126, 0.7152, 0.0722)], linear(colour))[0]


def looks(colour: str, eyes: str) -> list[float]:
    """The colour in OKLab, as these eyes see it."""
    light = [max(0.0, part) for part in times(SEEN[eyes], linear(colour))]
    return times(OPPONENTS, [cone ** (1 / 3) for cone in times(CONES, light)])


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_stands_out_from_light_and_dark_cards(colour, ground):
    low, high = sorted((luminance(colour), luminance(ground)))

    assert (high + 0.05) / (low + 0.05) >= 3, "WCAG asks 3:1 of lines in charts"


@pytest.mark.parametrize("eyes", SEEN)
def test_no_two_colours_look_alike(eyes):
    distances = {
        pair: math.dist(*(looks(colour, eyes) for colour in pair))
        for pair in combinations(PALETTE, 2)
    }

    assert min(distances.values()) >= LEAST_DISTANCE, min(distances, key=distances.__getitem__)


def test_a_run_keeps_its_colour_for_good():
    assert colour_of("8kq2m4x7vd") == colour_of("8kq2m4x7vd", None) == PALETTE[3]
    assert colour_of("8kq2m4x7vd", "#123456") == "#123456"


def test_all_colours_are_used_about_equally_often():
    counts = Counter(colour_of(f"run{number}") for number in range(1200))

    assert set(counts) == set(PALETTE)
    assert max(counts.values()) < 2 * min(counts.values())


def many(count: int) -> list[tuple[str, str | None]]:
    return [(f"run{number}", None) for number in range(count)]


def test_the_runs_of_a_view_are_told_apart_by_colour():
    alike = [pair for pair in many(200) if colour_of(pair[0]) == colour_of("run0")][:12]

    colours = distinct_colours(alike)

    assert sorted(colours.values()) == sorted(PALETTE)
    assert colours["run0"] == colour_of("run0"), "the colour of its id is a start"


def test_a_run_that_is_added_changes_the_colour_of_no_other():
    before, after = distinct_colours(many(8)), distinct_colours(many(9))

    assert after == {**before, "run8": after["run8"]}
    assert before == distinct_colours(many(8))


def test_colours_that_were_chosen_stay_and_nobody_takes_them_or_one_like_them():
    mine = colour_of("run1")
    nearly = f"{mine[:6]}{int(mine[6], 16) ^ 1:X}"

    colours = distinct_colours([("run1", None), ("run2", nearly), ("run3", "#123456")])

    assert (colours["run2"], colours["run3"]) == (nearly, "#123456")
    assert colours["run1"] != mine


def test_of_more_runs_than_colours_as_few_as_can_be_share_one():
    counts = Counter(distinct_colours(many(30)).values())

    assert set(counts) == set(PALETTE)
    assert max(counts.values()) - min(counts.values()) <= 1
