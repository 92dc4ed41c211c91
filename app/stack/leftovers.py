"""Child processes of an Optoscope that was killed: found by their records, and ended.

On Linux a child is told when its parent dies; elsewhere, and while it is still busy ending, the
record is how the next start finds it. A process is only touched if its command line is the one
that was recorded: numbers of processes are used again.
"""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.05


def write_record(path: Path, pid: int, command: tuple[str, ...], stop_signal: int) -> None:
    """Notes a started process."""
    text = json.dumps({"pid": pid, "command": command, "stop_signal": stop_signal})
    # A record that was cut off cannot be read, and is dropped with its process forgotten: on Linux
    # the tie to us ends that.
    path.write_text(text)


def end_leftovers(records: Path, *, grace_seconds: float = 10.0) -> None:
    """Ends every recorded process that still runs, politely first, and drops the records."""
    # Relies on the caller having the data directory to itself: else these may be the children of
    # an Optoscope that lives.
    for path in sorted(records.glob("*.json")):
        with suppress(ValueError, KeyError):  # the disk was full when it was written
            record = json.loads(path.read_text())
            _end(record["pid"], record["command"], record["stop_signal"], grace_seconds)
        path.unlink()


def _end(pid: int, command: list[str], stop_signal: int, grace_seconds: float) -> None:
    deadline = time.monotonic() + grace_seconds
    with suppress(ProcessLookupError):
        # Asked at once before the signal. The number may be given away in between, for
        # microseconds.
        if command_of(pid) == command:
            os.kill(pid, stop_signal)
        # It is no child of ours, so it cannot be waited for: it is looked at until it is gone.
        while command_of(pid) == command:
            if time.monotonic() > deadline:
                # Every child leads a group of its own, with its number.
                os.killpg(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def command_of(pid: int) -> list[str] | None:
    """The command line of a living process; `None` if there is none (or only its zombie)."""
    if not Path("/proc/self/cmdline").exists():
        return _command_by_ps(pid)
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return line.decode(errors="replace").rstrip("\0").split("\0") if line else None


def _command_by_ps(pid: int) -> list[str] | None:
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip().split(" ") if shown.returncode == 0 else None
