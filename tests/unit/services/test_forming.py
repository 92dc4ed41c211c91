"""The drawing of a circuit that forms: its size, and numbers that are none."""

import math
import random
from xml.etree import ElementTree

from app.services.reports.forming import WIDE, Caption, Moment, moving_picture
from app.services.reports.of_circuit import MOST_STOPS


def test_the_largest_model_makes_no_large_file():
    layers, heads = 8, 32
    chance = random.Random(1)
    strengths = [[chance.random() for _ in range(heads)] for _ in range(layers)]
    moments = [
        Moment(n, 1.0, [chance.sample(row, heads) for row in strengths], ())
        for n in range(MOST_STOPS // (layers * heads))
    ]
    drawn = moving_picture(moments, Caption("Large", "Large"), WIDE.of(layers))
    assert len(drawn) <= 400_000
    ElementTree.fromstring(drawn)


def test_what_is_no_number_is_empty_and_the_curve_stays_where_it_was():
    moments = [
        Moment(0, 1.0, [[0.5], [math.nan]], [[0.1]]),
        Moment(10, math.nan, [[-0.5], [1.5]], [[math.nan]]),
    ]
    drawn = moving_picture(moments, Caption("", "None"))
    assert "nan" not in drawn.lower()
    assert "h1-0{0%{fill-opacity:0.00}80%{fill-opacity:1.00}" in drawn
    assert "h0-0{0%{fill-opacity:0.50}80%{fill-opacity:0.00}" in drawn
