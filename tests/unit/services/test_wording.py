"""Numbers as people read them."""

import pytest

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
    ("number", "said"), [(425_024, "425k"), (1_000_000, "1M"), (999_999, "1M"), (12.34, "12.3")]
)
def test_axis_numbers_are_short(number: float, said: str) -> None:
    assert wording.short(number) == said
