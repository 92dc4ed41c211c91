"""Measurements of one run or of many, as tables: every point, nothing thinned."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from optoscope.reading.points import restored
from optoscope.reading.tables import DataTable, of_lines
from optoscope.wire.connection import Connection, Json

FIRST = ("sequences", "computed_at", "elapsed_seconds")
MOST_RUNS = 500  # that one request may name


def of_run(
    connection: Connection,
    run_id: str,
    series: Sequence[str],
    *,
    after: int = -1,
    until: int | None = None,
) -> DataTable:
    """Of one run; without series all of them."""
    query = {"series": list(series), "after": after, "to": until}
    path = f"/runs/{run_id}/measurements"
    table = of_lines(_lines(connection, f"{path}.jsonl", query))
    if not table.columns:
        return _without_lines(connection.get(path, {"series": list(series) or ["*"]}))
    table.columns.pop("run_id")
    return table


def of_runs(connection: Connection, run_ids: Sequence[str], series: Sequence[str]) -> DataTable:
    """Of many runs, the run's id in front."""
    ids = list(dict.fromkeys(run_ids))
    table = of_lines(_of_parts(connection, ids, series))
    if table.columns or not ids:
        return table
    query = {"runs": ids[0], "series": list(series) or ["*"]}
    [said] = connection.get("/measurements", query)["runs"]
    return DataTable({"run_id": [], **_without_lines(said).columns})


def _without_lines(said: Json) -> DataTable:
    """The columns that there will be, once something is measured."""
    return DataTable({name: [] for name in (*FIRST, *said["series"])})


def _of_parts(
    connection: Connection, run_ids: Sequence[str], series: Sequence[str]
) -> Iterator[Json]:
    for start in range(0, len(run_ids), MOST_RUNS):
        part = ",".join(run_ids[start : start + MOST_RUNS])
        query = {"runs": part, "series": list(series)}
        yield from _lines(connection, "/measurements.jsonl", query)


def _lines(connection: Connection, path: str, query: Json) -> Iterator[Json]:
    with connection.stream(path, query) as answer:
        for line in answer.iter_lines():  # ASCII: no line has an end of line within
            said = restored(json.loads(line))
            said["computed_at"] = datetime.fromisoformat(said["computed_at"])
            yield said
