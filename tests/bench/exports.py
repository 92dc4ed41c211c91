"""`python -m tests.bench.exports`: how long tables of many runs take, and what memory they cost.

A thousand runs of 200 measurements of the paper's model, every series, over HTTP from a web server
in a process of its own, in each form that there is.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from app.schemas.state import RunState
from tests.bench.place import Place, served
from tests.bench.report import Line, machine, report, say
from tests.bench.rows import study_of

MOST_SECONDS, MOST_GROWTH = 10, 200  # of a table; MB that the web server may grow by
FORMS = {"parquet": True, "arrow": True, "csv": False, "jsonl": False}  # and which have a target


def main() -> int:
    given = _arguments()
    where = machine()
    with served() as place:
        say("Filling the database")
        _, ids = study_of(
            place.engine, place.outbox, given.runs, given.points, state=RunState.FINISHED
        )
        say("Measuring")
        lines = [line for form in FORMS for line in _timed(place, ids, form)]
    return report(lines, where, given.out)


def _timed(place: Place, ids: list[str], form: str) -> Iterator[Line]:
    path = f"{place.url}/api/v1/measurements.{form}?runs={','.join(ids)}"
    before, begun, size = _megabytes(place), time.perf_counter(), 0
    with httpx.stream("GET", path, timeout=600) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            size += len(piece)
    took = time.perf_counter() - begun
    target = MOST_SECONDS if FORMS[form] else None
    yield Line(f"{form} of {len(ids)} runs", took, "s", target, f"{size / 1e6:,.1f} MB")
    grown = max(0.0, _megabytes(place) - before)
    yield Line(f"{form}: memory of the web server", grown, "MB", MOST_GROWTH, "more than before")


def _megabytes(place: Place) -> float:
    """The most that the web server ever held."""
    status = Path(f"/proc/{place.web}/status").read_text()
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak) / 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exports", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--points", type=int, default=200, help="of each run")
    parser.add_argument("--out", type=Path, help="write JSON here as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
