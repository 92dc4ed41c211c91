"""`python -m worker bench`: how fast this machine trains, measured the way runs are trained.

Cohorts in turns with the baseline, for three minutes, or with `--long` longer laps of more sizes;
`--paper` a fraction of the paper's 32 main runs, `--clamps` programs of clamps in turns,
`--analyses` looks at a trained model. Every figure has the machine beside it.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from worker.bench.analyses import bench_analyses
from worker.bench.clamps import bench_clamps
from worker.bench.cohorts import bench_cohorts, long, short
from worker.bench.paper import bench_paper
from worker.bench.turns import Lengths
from worker.offline import say

SIZES, LONG_SIZES = "1,32", "1,8,32,128"


def bench(given: argparse.Namespace) -> None:
    """Measures, prints a table, and writes JSON if asked to."""
    lengths, where = lengths_of(given, time.monotonic()), machine()
    if not 0 <= given.rounds <= 100:
        raise ValueError(f"--rounds {given.rounds}: write a number up to 100; 0 chooses by size")
    for line in _heading(where):
        say(line)
    if given.clamps:
        _write(given.out, {"machine": where, "clamps": bench_clamps()})
        return
    if given.analyses:
        _write(given.out, {"machine": where, "analyses": bench_analyses()})
        return
    with tempfile.TemporaryDirectory(prefix="optoscope-bench-") as folder:
        if given.paper:
            _write(given.out, {"machine": where, **bench_paper(Path(folder), given.fraction)})
            return
        for so_far in bench_cohorts(Path(folder), lengths):
            _write(given.out, {"machine": where, **so_far})


def lengths_of(given: argparse.Namespace, begun: float) -> list[Lengths]:
    """What is timed together, of a command that began then on the monotonic clock."""
    if given.long:
        return long(_sizes(given.cohorts or LONG_SIZES), given.sequences, given.rounds)
    until = begun + 60 * given.minutes
    return short(_sizes(given.cohorts or SIZES), given.sequences, given.rounds, until)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = [0]
    if not all(1 <= size <= 1000 for size in sizes):
        raise ValueError(f"--cohorts {text}: write sizes from 1 to 1000, for instance 1,8,32")
    return sizes


def _write(path: Path | None, result: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("optoscope", "torch", "numpy", "psycopg")},
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _heading(where: dict[str, Any]) -> list[str]:
    """The machine, beside every figure that is measured on it."""
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return [
        f"{where['processor']}, {where['cores']} cores, load {where['load_before']:.2f} before",
        f"{where['system']}, Python {where['python']}, {versions}",
    ]
