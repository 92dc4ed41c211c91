"""`python -m tests.bench.server`: how long the web server takes over long runs and long lists.

Ten runs of 10,000 measurements of the paper's model, and 10,000 runs in the list, some of
them pinned, in a real Postgres; requests one after the other, over HTTP, in a process of its own.
"""

import argparse
import sys
import time
from pathlib import Path

import httpx

from app.schemas.state import RunState
from tests.bench.place import served
from tests.bench.report import Line, machine, percentile, report, say
from tests.bench.rows import EVERY, copy_run, pin_some, study_of

CHART, LIST, PAGE, TABLE = 50, 50, 150, 1000  # milliseconds, p95 of what has a goal


def main() -> int:
    given = _arguments()
    where = machine()
    with served() as place:
        say("Filling the database")
        study_id, ids = study_of(
            place.engine, place.outbox, given.runs, given.points, state=RunState.FINISHED
        )
        copy_run(place.engine, ids[0], given.listed)
        pin_some(place.engine)
        say("Measuring")
        with httpx.Client(base_url=place.url, timeout=60) as client:
            lines = [
                _timed(client, what, path, given.times, target)
                for what, path, target in _requests(study_id, ids, given.points)
            ]
    return report(lines, where, given.out)


def _requests(study_id: str, ids: list[str], points: int) -> list[tuple[str, str, int | None]]:
    """What is asked for, where, and in how many milliseconds it should be there."""
    run, api, everything = f"/api/v1/runs/{ids[0]}", "/api/v1", f"{len(ids)} x {points}"
    tenth = EVERY * points // 10
    return [
        (f"chart of {everything}: measurements", f"{api}/measurements?runs={','.join(ids)}", CHART),
        (f"chart of {everything}: study's figure", f"{api}/studies/{study_id}/figure", CHART),
        ("list of runs", f"{api}/runs?limit=50", LIST),
        ("list of runs, by loss", f"{api}/runs?limit=50&sort=train_loss", LIST),
        ("list of runs, pinned first", f"{api}/runs?limit=50&pinned_first=true", LIST),
        ("list of runs, by loss, too", f"{api}/runs?pinned_first=true&sort=train_loss", LIST),
        ("list of runs, pinned ones", f"{api}/runs?limit=50&q=pinned:true", LIST),
        ("list of runs, searched", f"{api}/runs?limit=50&q=copy+99", LIST),
        ("page of runs", "/runs", PAGE),
        ("page of runs, in groups", "/runs?group=state", PAGE),
        ("page of runs, in 200 groups", "/runs?group=name", PAGE),
        ("groups with a measure", f"{api}/runs/groups?group=state&columns=loss.train", PAGE),
        ("table of runs", f"{api}/runs.csv", TABLE),
        (f"one run of {points}: loss", f"{run}/measurements?series=loss.*", None),
        (f"one run of {points}: all series", f"{run}/measurements?series=*", None),
        (f"one run of {points}: heads", f"{run}/heads", None),
        (f"one run of {points}: figure", f"{run}/figures/loss", None),
        ("a tenth of it", f"{run}/figures/loss?from={tenth}&to={2 * tenth}", None),
        ("what is new", f"{run}/measurements?after={9 * tenth}", None),
        (f"page of a run of {points}", f"/runs/{ids[0]}", None),
    ]


def _timed(client: httpx.Client, what: str, path: str, times: int, target: int | None) -> Line:
    client.get(path).raise_for_status()
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        size = len(client.get(path).raise_for_status().content)
        took.append(1000 * (time.perf_counter() - begun))
    median = percentile(took, 0.5)
    details = f"p95; median {median:.1f} ms, fastest {min(took):.1f} ms, {size / 1000:,.0f} kB"
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
