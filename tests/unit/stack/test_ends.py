"""When workers end by themselves. No time is waited."""

from datetime import UTC, datetime

import pytest

from app.stack.workers.ends import Ends, moment_of, seconds_of

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)


def test_durations_and_deadlines_are_read_as_people_write_them():
    assert [seconds_of(text) for text in ("60s", "1.5h", "1h30m")] == [60, 5400, 5400]
    assert moment_of("3h", NOW).isoformat() == "2026-11-27T15:00:30+00:00"
    assert moment_of("17:30", NOW).isoformat() == "2026-11-27T17:30:00+00:00"
    assert moment_of("9:30", NOW).isoformat() == "2026-11-28T09:30:00+00:00"
    assert moment_of("2026-12-01T08:00", NOW).isoformat() == "2026-12-01T08:00:00+00:00"
    assert moment_of(f"@{int(NOW.timestamp())}", NOW) == NOW


@pytest.mark.parametrize("text", ["", "3", "25:00", "soon", "@x", "1x"])
def test_what_is_no_deadline_is_refused_with_what_would_be(text):
    with pytest.raises(ValueError, match=r"is no deadline; write 3h, 17:30"):
        moment_of(text, NOW)


def test_workers_end_when_nothing_was_to_do_for_as_long_as_was_said():
    has_work: list[bool | None] = [False]
    ends = Ends(lambda: has_work[0], idle_seconds=10, stop_at=None)

    assert ends.reason(0) == ends.reason(9) == ""
    for away in (True, None):  # None: the database does not answer
        has_work[0] = away
        assert ends.reason(20) == ""
    has_work[0] = False
    assert ends.reason(29) == ""
    assert ends.reason(30) == "Nothing was to do for 10 s."


def test_workers_end_before_their_deadline_whatever_they_do():
    ends = Ends(lambda: True, idle_seconds=None, stop_at=100.0)

    assert ends.reason(99) == ""
    assert ends.reason(100).startswith("The deadline is near")
