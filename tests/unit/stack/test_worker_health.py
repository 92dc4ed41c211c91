"""Whether a run that a worker has in hand goes on. No time is waited."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.db.workers import InHand
from app.stack.workers.health import stands_still

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
STALL = 600.0
RUNNING = InHand(
    worker="lab-7",
    run_id="8kq2m4x7vd",
    state="running",
    overdue=False,
    moved_seconds=3600.0,
    measured_at=NOW - timedelta(seconds=5),
    sequences_per_second=1000.0,
    evaluate_every=1000,
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "goes_on",
    [
        RUNNING,
        replace(RUNNING, measured_at=ago(59)),
        replace(RUNNING, measured_at=ago(900), evaluate_every=100_000),  # each takes 100 s
        replace(RUNNING, measured_at=ago(9000), moved_seconds=20.0),  # by an earlier attempt
        replace(RUNNING, measured_at=None, moved_seconds=500.0),
        replace(RUNNING, state="starting", measured_at=ago(9000), moved_seconds=500.0),
        replace(RUNNING, state="stopping", measured_at=ago(9000)),
    ],
)
def test_a_run_that_goes_on_however_slowly_is_sound(goes_on):
    assert stands_still(goes_on, NOW, STALL) == ""


@pytest.mark.parametrize(
    "hangs",
    [
        replace(RUNNING, measured_at=ago(61)),
        replace(RUNNING, measured_at=ago(1001), evaluate_every=100_000),
        replace(RUNNING, measured_at=None, moved_seconds=601.0),
        replace(RUNNING, state="starting", moved_seconds=601.0),
        replace(RUNNING, overdue=True),
    ],
)
def test_a_run_that_hangs_is_named_with_its_worker(hangs):
    said = stands_still(hangs, NOW, STALL)

    assert said.startswith("The trainer that worker lab-7 has for run 8kq2m4x7vd stands still:")
