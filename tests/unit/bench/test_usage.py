"""CPU time of processes, as the system counts it."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from worker.bench.usage import Usage


def test_processor_time_counts_what_was_started_by_what_was_started() -> None:
    """As trainers are by workers; also after they have ended."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); input()"
    begun = datetime.now().astimezone()
    with subprocess.Popen([sys.executable, "-c", starts], stdin=subprocess.PIPE) as process:
        usage = Usage([process.pid])
        usage.look()
        ended = time.monotonic() + 60
        while usage.cpu_seconds(begun, datetime.now().astimezone()) < 0.25:
            assert time.monotonic() < ended, "the time of a grandchild is not counted"
            usage.look()
        process.kill()

    assert usage.peak_bytes > 10**6


def test_between_looks_use_is_even(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    usage = Usage([])
    usage._looks = [(begun + timedelta(seconds=at), used) for at, used in ((0, 5.0), (2, 6.0))]

    at = [begun + timedelta(seconds=seconds) for seconds in (-5, 0.5, 1.5, 9)]

    assert usage.cpu_seconds(at[1], at[2]) == pytest.approx(0.5)
    assert usage.cpu_seconds(at[0], at[3]) == pytest.approx(1.0)
