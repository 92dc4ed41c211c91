"""The list of runs as a table for other programs: every run that matches, a line each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from arro3.core import DataType
from sqlalchemy import Engine

from app.db.engine import session_scope
from app.db.runs_list.pages import cells_of
from app.services.arrow_tables import (
    MOMENT,
    NUMBER,
    TEXT,
    WHOLE,
    ArrowForm,
    columns_of,
    table_pieces,
)
from app.services.csv_text import csv_text
from app.services.runs_list.columns import Column
from app.services.runs_list.listing import Filter, matching_ids

PAGE = 2000  # lines that are read at once


def csv_of_runs(engine: Engine, wanted: Filter, columns: Sequence[Column]) -> Iterator[str]:
    """The table in pieces.

    Columns: `id`, `name`, then the chosen ones by their names; moments are RFC 3339, lists are
    joined by `; `, what a run lacks is empty.
    """
    columns = _without_id(columns)
    pages = _pages(engine, wanted, columns)
    # Before the first piece: what is wrong with the filter is said then.
    first = next(pages)
    yield csv_text([["id", "name", *(column.id for column in columns)]])
    for page in chain([first], pages):
        yield csv_text([list(map(_plain, line)) for line in page])


def arrow_of_runs(
    engine: Engine, form: ArrowForm, wanted: Filter, columns: Sequence[Column]
) -> Iterator[bytes]:
    """The same in Arrow's types: moments as such, null for what a run lacks."""
    columns = _without_id(columns)
    head = [("id", TEXT), ("name", TEXT), *((column.id, _type_of(column)) for column in columns)]
    kinds = [kind for _, kind in head]
    batches = (
        columns_of(kinds, [_typed(line, kinds) for line in page])
        for page in _pages(engine, wanted, columns)
    )
    return table_pieces(form, head, batches)


def _without_id(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column.id != "id"]


def _pages(
    engine: Engine, wanted: Filter, columns: Sequence[Column]
) -> Iterator[Sequence[Sequence[Any]]]:
    """Lines, a page at a time: a slow reader holds no connection. Runs that are deleted meanwhile
    are left out. The first page is there even if it is empty."""
    # Put in order once, and not again for every page: that looks at every run that matches.
    with session_scope(engine) as session:
        ids = matching_ids(session, wanted)
    cells = [column.cell for column in columns]
    for at in range(0, max(len(ids), 1), PAGE):
        part = ids[at : at + PAGE]
        with session_scope(engine) as session:
            found = cells_of(session, part, cells)
        yield [found[run_id] for run_id in part if run_id in found]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return value


def _type_of(column: Column) -> DataType:
    if column.is_whole:
        return WHOLE
    return {"number": NUMBER, "moment": MOMENT, "text": TEXT}[column.kind]


def _typed(line: Sequence[Any], kinds: Sequence[DataType]) -> list[Any]:
    return [
        str(_plain(value)) if kind == TEXT and value is not None else value
        for value, kind in zip(line, kinds, strict=True)
    ]
