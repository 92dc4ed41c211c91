"""What a benchmark says: a line per number with its target, the machine, and the same as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """Something measured; `target`: at most so much, in the same unit."""

    what: str
    value: float
    unit: str
    target: float | None = None
    details: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "ok" if self.value <= self.target else "MISSED"


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def percentile(numbers: Sequence[float], share: float) -> float:
    """The smallest number that at least this share of all does not exceed."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine(**more: str) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **more,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def report(lines: Sequence[Line], where: dict[str, Any], out: Path | None) -> int:
    """Prints a table, writes JSON if asked to; 1 if a target was missed."""
    say(", ".join(f"{name}: {value}" for name, value in where.items()))
    say(f"{'':52}{'measured':>12} {'target':>10}")
    for line in lines:
        target = "" if line.target is None else f"{line.target:g} {line.unit}"
        value = f"{line.value:.1f} {line.unit}"
        say(f"{line.what:52}{value:>12} {target:>10}  {line.verdict:7} {line.details}".rstrip())
    if out is not None:
        found = [asdict(line) | {"verdict": line.verdict} for line in lines]
        out.write_text(json.dumps({"machine": where, "measured": found}, indent=2) + "\n")
    return int(any(line.verdict == "MISSED" for line in lines))
