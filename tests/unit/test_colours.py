"""Colours of runs: stable, many, and seen on every ground."""

from collections import Counter

import pytest

from app.services.colours import PALETTE, colour_of

GROUNDS = ("#FFFFFF", "#141A21")  # of cards, light and dark


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_stands_out_from_light_and_dark_cards(colour, ground):
    low, high = sorted((luminance(colour), luminance(ground)))

    assert (high + 0.05) / (low + 0.05) >= 3, "WCAG asks 3:1 of lines in charts"


def test_a_run_keeps_its_colour_for_good():
    assert colour_of("8kq2m4x7vd") == colour_of("8kq2m4x7vd", None) == PALETTE[3]
    assert colour_of("8kq2m4x7vd", "#123456") == "#123456"


def test_all_colours_are_used_about_equally_often():
    counts = Counter(colour_of(f"run{number}") for number in range(1200))

    assert set(counts) == set(PALETTE)
    assert max(counts.values()) < 2 * min(counts.values())
