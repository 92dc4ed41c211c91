"""Tables of many runs: how they are filled, and how long the server takes over them.

Requests go one after the other over HTTP to a web server in a process of its own, each of them for
another run or place where it can be, so that not the same rows are read from memory again.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence

import httpx
from sqlalchemy import text

from app.db.models import MeasurementRow, RunExtremes
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.bench.place import Place
from tests.bench.report import Line, percentile, say
from tests.bench.rows import copy_run, study_of

MOST_MILLISECONDS = 200  # p95, of everything
RUNS_AT_ONCE = 1000  # in a statement that fills
STATES = ("finished", "failed", "cancelled")
LONG = RunConfig.model_validate({"training": {"sequences": 1_000_000}})
Address = Callable[[], str]


def tables(place: Place, runs: int, measurements: int, times: int) -> Iterator[Line]:
    """Fills the tables, and measures."""
    ids = filled(place, runs, measurements)
    yield from _sizes(place)
    rng = random.Random(0)
    with httpx.Client(base_url=place.url, timeout=600) as client:
        for what, path in _reads(ids, rng):
            yield timed(what, times, lambda path=path: client.get(path()).raise_for_status())
        launch = {"name": "Launched", "config": LONG.model_dump(mode="json")}
        yield timed("launch a run", times, lambda: client.post("/api/v1/runs", json=launch))
        doomed = iter(rng.sample(ids[1:], 2 * times + 2))
        for what, query in (("delete a run", ""), ("delete a run for good", "?now=true")):
            yield timed(
                what,
                times,
                lambda query=query: client.delete(f"/api/v1/runs/{next(doomed)}{query}"),
            )


def filled(place: Place, runs: int, measurements: int) -> list[str]:
    """So many finished runs with so many measurements in all; their ids, the first one's first."""
    points = max(1, measurements // runs)
    begun = time.perf_counter()
    _, (source,) = study_of(place.engine, place.outbox, 1, points, state=RunState.FINISHED)
    copy_run(place.engine, source, runs - 1)
    say(f"{runs:,} runs after {time.perf_counter() - begun:.0f} s")
    with place.engine.connect() as connection:
        ids = list(connection.execute(text('SELECT id FROM run ORDER BY id COLLATE "C"')).scalars())
    for first in range(0, len(ids), RUNS_AT_ONCE):
        _copy(place, source, ids[first : first + RUNS_AT_ONCE])
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) run, measurement, run_extremes, run_event"))
    say(f"{points * len(ids):,} measurements after {time.perf_counter() - begun:.0f} s")
    return [source, *(one for one in ids if one != source)]


def _copy(place: Place, source: str, ids: Sequence[str]) -> None:
    """What the source has measured, for these."""
    given = {"ids": [one for one in ids if one != source], "source": source}
    for table in (MeasurementRow.__table__, RunExtremes.__table__):
        names = [column.name for column in table.c]
        values = ", ".join("r.id" if name == "run_id" else f"m.{name}" for name in names)
        rows = f"FROM unnest(CAST(:ids AS text[])) r(id), {table.name} m WHERE m.run_id = :source"
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} {rows}"
        with place.engine.begin() as connection:
            connection.execute(text(statement), given)


def _sizes(place: Place) -> Iterator[Line]:
    for table in ("run", "measurement"):
        with place.engine.connect() as connection:
            query = f"SELECT pg_total_relation_size('{table}'), count(*) FROM {table}"
            size, rows = connection.execute(text(query)).one()
        yield Line(f"table {table}", size / 1e6, "MB", None, f"{rows:,} rows, indexes included")


def _reads(ids: Sequence[str], rng: random.Random) -> list[tuple[str, Address]]:
    """What is asked for, and the address of the next of it."""
    api, page = "/api/v1/runs?limit=50", "/api/v1/measurements?series=loss.*&runs="

    def some(count: int) -> str:
        return ",".join(rng.sample(ids, count))

    return [
        ("list", lambda: api),
        ("list, sorted by loss", lambda: f"{api}&sort=train_loss"),
        ("list, sorted by name", lambda: f"{api}&sort=name"),
        ("list, by state", lambda: f"{api}&state={rng.choice(STATES)}"),
        ("list, by a word that many have", lambda: f"{api}&q=copy"),
        ("list, by a word that few have", lambda: f"{api}&q={rng.randrange(len(ids))}"),
        ("page of runs", lambda: "/runs"),
        ("page to launch", lambda: "/runs/new"),
        ("metrics", lambda: "/metrics"),
        ("page of a run", lambda: f"/runs/{rng.choice(ids)}"),
        ("chart of a run", lambda: f"/api/v1/runs/{rng.choice(ids)}/figures/loss"),
        ("curves of ten runs", lambda: f"{page}{some(10)}"),
        ("page that compares ten runs", lambda: f"/compare?runs={some(10)}"),
    ]


def timed(what: str, times: int, ask: Callable[[], httpx.Response]) -> Line:
    """What so many of these requests took, after one that does not count."""
    ask()
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        answer = ask()
        took.append(1000 * (time.perf_counter() - begun))
        answer.raise_for_status()
    told = f"p95 of {times}; median {percentile(took, 0.5):.0f} ms"
    return Line(what, percentile(took, 0.95), "ms", MOST_MILLISECONDS, told)
