"""`python -m tests.bench.server`: how long the web server takes over long runs and long lists.

Ten runs of 10,000 measurements of the paper's model, and 10,000 runs in the list, in a real
Postgres; requests one after the other, over HTTP, in a process of its own.
"""

import argparse
import sys
import time
from pathlib import Path

import httpx

from app.schemas.state import RunState
from tests.bench.place import served
from tests.bench.report import Line, machine, percentile, report, say
from tests.bench.rows import EVERY, copy_run, study_of

MOST_MILLISECONDS = 100  # p95 of what has a budget


def main() -> int:
    given = _arguments()
    where = machine()
    with served() as place:
        say("Filling the database")
        study_id, ids = study_of(
            place.engine, place.outbox, given.runs, given.points, state=RunState.FINISHED
        )
        copy_run(place.engine, ids[0], given.listed)
        say("Measuring")
        with httpx.Client(base_url=place.url, timeout=60) as client:
            lines = [
                _timed(client, what, path, given.times, has_budget=has_budget)
                for what, path, has_budget in _requests(study_id, ids, given.points)
            ]
    return report(lines, where, given.out)


def _requests(study_id: str, ids: list[str], points: int) -> list[tuple[str, str, bool]]:
    """What is asked for, where, and whether it must be within the budget."""
    run, api, everything = f"/api/v1/runs/{ids[0]}", "/api/v1", f"{len(ids)} x {points}"
    tenth = EVERY * points // 10
    return [
        (f"chart of {everything}: measurements", f"{api}/measurements?runs={','.join(ids)}", True),
        (f"chart of {everything}: study's figure", f"{api}/studies/{study_id}/figure", True),
        ("list of runs", f"{api}/runs?limit=50", True),
        ("list of runs, by loss", f"{api}/runs?limit=50&sort=train_loss", True),
        ("list of runs, searched", f"{api}/runs?limit=50&q=copy+99", True),
        ("page of runs", "/runs", True),
        (f"one run of {points}: loss", f"{run}/measurements?series=loss.*", False),
        (f"one run of {points}: all series", f"{run}/measurements?series=*", False),
        (f"one run of {points}: heads", f"{run}/heads", False),
        (f"one run of {points}: figure", f"{run}/figures/loss", False),
        ("a tenth of it", f"{run}/figures/loss?from={tenth}&to={2 * tenth}", False),
        ("what is new", f"{run}/measurements?after={9 * tenth}", False),
        (f"page of a run of {points}", f"/runs/{ids[0]}", False),
    ]


def _timed(client: httpx.Client, what: str, path: str, times: int, *, has_budget: bool) -> Line:
    client.get(path).raise_for_status()
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        size = len(client.get(path).raise_for_status().content)
        took.append(1000 * (time.perf_counter() - begun))
    median = percentile(took, 0.5)
    details = f"p95; median {median:.1f} ms, fastest {min(took):.1f} ms, {size / 1000:,.0f} kB"
    target = MOST_MILLISECONDS if has_budget else None
    return Line(what, percentile(took, 0.95), "ms", target, details)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.server", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--points", type=int, default=10_000, help="of each run")
    parser.add_argument("--listed", type=int, default=10_000, help="runs in the list")
    parser.add_argument("--times", type=int, default=30, help="requests of each kind")
    parser.add_argument("--out", type=Path, help="write JSON here as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
