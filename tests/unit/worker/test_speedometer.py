"""Sequences per second, from when measurements left the model."""

from datetime import UTC, datetime, timedelta

import pytest

from app.schemas.measure import Measurement, PhaseChange
from worker.recording.entries import Measured
from worker.recording.flush import Speedometer

START = datetime(2026, 1, 1, tzinfo=UTC)


def measured(seconds: float, sequences: int) -> Measured:
    nothing = dict.fromkeys(Measurement.model_fields, ())
    measurement = Measurement(**nothing | {"sequences": sequences, "elapsed_seconds": 0.0})
    return Measured(measurement, START + timedelta(seconds=seconds), PhaseChange())


def test_one_measurement_has_no_speed():
    assert Speedometer().read([measured(0, 0)]) is None


def test_speed_is_that_of_the_last_seconds():
    speed = Speedometer(seconds=5)
    slow = [measured(second, 100 * second) for second in range(10)]
    fast = [measured(10 + second, 1000 + 2000 * second) for second in range(10)]

    assert speed.read(slow) == pytest.approx(100)
    assert speed.read(fast) == pytest.approx(2000)


def test_seldom_measurements_have_a_speed_too():
    speed = Speedometer(seconds=5)

    assert speed.read([measured(0, 0), measured(60, 600)]) == pytest.approx(10)
    assert speed.read([measured(120, 6600)]) == pytest.approx(100)
