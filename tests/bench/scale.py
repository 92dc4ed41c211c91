"""`python -m tests.bench.scale`: what many machines and many runs cost, by simulation.

How many runs train at once on one Postgres, without any training; and what the server takes over
tables of so many finished runs and measurements. Each can be left out: `--steps`, `--runs 0`.
"""

import argparse
import sys
from pathlib import Path

from tests.bench.place import served
from tests.bench.queries import queries
from tests.bench.report import Line, machine, report
from tests.bench.tables import tables
from tests.bench.trainers import Ramp, trainers

POINTS = 200  # measurements of a run of the defaults


def main() -> int:
    given = _arguments()
    where = machine(
        runs=f"{given.runs:,}",
        measurements=f"{given.measurements:,}",
        trainers=f"cohorts of {given.cohort}, {given.speed:,.0f} sequences a second a run",
    )
    lines: list[Line] = []
    if given.steps:
        with served(durable=True, connections=given.connections) as place:
            ramp = Ramp(given.steps, given.cohort, given.speed, given.seconds)
            lines += trainers(place, ramp)
    if given.runs:
        with served() as place:
            lines += tables(place, given.runs, given.measurements, given.times)
    if given.asked:
        with served() as place:
            lines += queries(place, given.asked, given.asked * POINTS, given.times)
    return report(lines, where, given.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    steps = [16, 32, 64, 128, 256, 512, 1024]
    parser.add_argument("--steps", type=int, nargs="*", default=steps, help="runs that train")
    parser.add_argument("--cohort", type=int, default=8, help="runs of a trainer")
    parser.add_argument("--speed", type=float, default=10_000, help="sequences a second of a run")
    parser.add_argument("--seconds", type=float, default=20, help="of each step")
    parser.add_argument("--connections", type=int, default=1000, help="that Postgres takes")
    parser.add_argument("--runs", type=int, default=1_000_000, help="finished ones")
    parser.add_argument("--measurements", type=int, default=200_000_000, help="of all of them")
    parser.add_argument("--asked", type=int, default=10_000, help="runs that queries are over")
    parser.add_argument("--times", type=int, default=30, help="requests of each kind")
    parser.add_argument("--out", type=Path, help="write JSON here as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
