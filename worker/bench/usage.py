"""What processes use of the processor and of memory, read from /proc; 0 where there is none."""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM = 11, 12, 13, 14  # of `stat`, after the name


class Usage:
    """CPU time of some processes and all that they started, as it was at each look."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = tuple(processes)
        self._looks: list[tuple[datetime, float]] = []
        self.peak_bytes = 0  # of the largest of all these processes

    def look(self) -> None:
        """To be called now and then: between two looks, use counts as even."""
        now, used = datetime.now().astimezone(), 0.0
        for number in self._processes:
            for process in _family(number):
                used += _cpu_seconds(process)
                self.peak_bytes = max(self.peak_bytes, _peak_bytes(process))
        self._looks.append((now, used))

    def cpu_seconds(self, begun: datetime, ended: datetime) -> float:
        """Used between two moments, to the 10 ms that the system counts in."""
        return max(0.0, self._at(ended) - self._at(begun))

    def _at(self, moment: datetime) -> float:
        """Used until a moment, between its neighbours among the looks."""
        place = bisect_right(self._looks, (moment, float("inf")))
        (before, least), (after, most) = (
            self._looks[max(place - 1, 0)],
            self._looks[min(place, len(self._looks) - 1)],
        )
        span = (after - before).total_seconds()
        return least + (most - least) * ((moment - before).total_seconds() / span if span else 0)


def _family(number: int) -> Iterator[Path]:
    """A process and all below it. One that has ended is waited for by its parent, which then has
    its time among that of its children."""
    process = PROC / str(number)
    yield process
    for thread in process.glob("task/*/children"):
        try:
            children = thread.read_text().split()
        except OSError:  # it has ended meanwhile
            continue
        for child in children:
            yield from _family(int(child))


def _cpu_seconds(process: Path) -> float:
    try:
        # The name, in parentheses, may hold blanks.
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    parts = (USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM)
    return sum(int(fields[part]) for part in parts) / TICKS


def _peak_bytes(process: Path) -> int:
    """`VmHWM`, which Linux gives in kB; of a process that has ended nothing is told."""
    try:
        status = (process / "status").read_text()
    except OSError:
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return 1024 * int(lines.get("VmHWM", "0 kB").split()[0])
