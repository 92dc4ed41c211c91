"""Numbers as people read them."""

from datetime import timedelta

import pytest

from app.schemas.measure import Bracket
from app.services import wording


@pytest.mark.parametrize(
    ("loss", "said"),
    [(0.69315, "0.693"), (0.01, "0.010"), (0.00042, "4.2e−4"), (0.0, "0.000"), (None, "–")],
)
def test_small_losses_stay_readable(loss: float | None, said: str) -> None:
    assert wording.nats(loss) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.44, "0.4 s"), (75, "1 min 15 s"), (3600, "1 h"), (90_000, "1 d 1 h")]
)
def test_durations_have_two_units_at_most(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(
    ("days", "said"), [(0, ""), (1, "1 day"), (7, "7 days"), (0.5, "12 h"), (1.5, "1 d 12 h")]
)
def test_spans_are_whole_days_where_they_are(days: float, said: str) -> None:
    assert wording.days(timedelta(days=days)) == said


@pytest.mark.parametrize(
    ("after", "until", "said"),
    [
        (250_016, 255_008, "between 250k and 255k"),
        (250_016, 250_048, "between 250,016 and 250,048"),
        (None, 0, "by 0"),
    ],
)
def test_a_bracket_is_said_short_where_that_tells_its_ends_apart(after, until, said) -> None:
    assert wording.between(Bracket(after=after, until=until)) == said


@pytest.mark.parametrize(
    ("drawn", "of", "seeds", "said"),
    [
        (4, 4, 4, "4 runs, 4 seeds"),
        (3, 4, 1, "3 of 4 runs, one seed"),
        (1, 1, 1, "1 run"),
        (0, 2, 0, "0 of 2 runs"),
    ],
)
def test_what_stands_behind_a_mean(drawn, of, seeds, said) -> None:
    assert wording.standing(drawn, of, seeds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(425_024, "425k"), (1_000_000, "1M"), (999_999, "1M"), (12.34, "12.3")]
)
def test_axis_numbers_are_short(number: float, said: str) -> None:
    assert wording.short(number) == said
