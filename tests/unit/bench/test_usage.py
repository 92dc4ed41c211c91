"""CPU time of processes, as the system counts it."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from worker.bench.usage import Usage

BURNS = """
import time
while time.process_time() < 0.3:
    pass
print("burnt", flush=True)
input()
"""
STARTS = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURNS!r}])
print("ended", flush=True)
input()
"""


def test_processor_time_counts_what_was_started_by_what_was_started() -> None:
    """As trainers are by workers: while they live, and when they have ended."""
    begun, pipe = datetime.now().astimezone(), subprocess.PIPE
    used = []
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        usage = Usage([process.pid])
        usage.look()
        for said in ("burnt", "ended"):
            assert process.stdout.readline() == f"{said}\n"
            usage.look()
            used.append(usage.cpu_seconds(begun, datetime.now().astimezone()))
            process.stdin.write("\n")
            process.stdin.flush()

    assert 0.25 < used[0] <= used[1]
    assert usage.peak_bytes > 10**6


def test_between_looks_use_is_even(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    usage = Usage([])
    usage._looks = [(begun + timedelta(seconds=at), used) for at, used in ((0, 5.0), (2, 6.0))]

    at = [begun + timedelta(seconds=seconds) for seconds in (-5, 0.5, 1.5, 9)]

    assert usage.cpu_seconds(at[1], at[2]) == pytest.approx(0.5)
    assert usage.cpu_seconds(at[0], at[3]) == pytest.approx(1.0)
