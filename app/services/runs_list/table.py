"""The list of runs as a table for other programs: every run that matches, a line each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from app.db.engine import session_scope
from app.db.runs_list import Found
from app.services.csv_text import csv_text
from app.services.runs_list.columns import Column
from app.services.runs_list.listing import MOST, Filter, matching_ids, rows_of


def csv_of_runs(engine: Engine, wanted: Filter, columns: Sequence[Column]) -> Iterator[str]:
    """The table in pieces. Reads a page at a time: a slow reader holds no connection. Runs that
    are deleted meanwhile are left out.

    Columns: `id`, `name`, then the chosen ones by their names; moments are RFC 3339, lists are
    joined by `; `, what a run lacks is empty.
    """
    columns = [column for column in columns if column.id != "id"]
    # Put in order once, and not again for every page: that looks at every run that matches. And
    # before the first piece: what is wrong with the filter is said then.
    with session_scope(engine) as session:
        ids = matching_ids(session, wanted)
    yield csv_text([["id", "name", *(column.id for column in columns)]])
    for at in range(0, len(ids), MOST):
        part = ids[at : at + MOST]
        with session_scope(engine) as session:
            found = rows_of(session, part, columns)
            lines = [_line(found[run_id], columns) for run_id in part if run_id in found]
        yield csv_text(lines)


def _line(found: Found, columns: Sequence[Column]) -> list[Any]:
    run, numbers = found.run, iter(found.numbers)
    values = [
        column.value(run, next(numbers) if column.number is not None else None)
        for column in columns
    ]
    return [run.id, run.name, *map(_plain, values)]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return value
