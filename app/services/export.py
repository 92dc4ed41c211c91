"""A run's raw numbers as a table: one line per measurement, nothing left out.

Columns: `sequences`, `computed_at_utc` (RFC 3339), `elapsed_seconds` (training time), then every
series under its name, with `_nats` after losses; accuracies and probabilities are shares, strengths
have no unit. Numbers that are not finite are written `nan`, `inf` and `-inf`.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine

from app.db import series as rows
from app.db.engine import session_scope
from app.services.series import Series

PAGE = 1000


def csv_lines(engine: Engine, run_id: str, chosen: Sequence[Series]) -> Iterator[str]:
    """The table in pieces. Reads a page at a time: a slow reader holds no connection."""
    titles = (series.title for series in chosen)
    yield _csv([["sequences", "computed_at_utc", "elapsed_seconds", *titles]])
    columns = [rows.number_of("elapsed_seconds"), *(series.column for series in chosen)]
    after = -1
    while True:
        with session_scope(engine) as session:
            page = rows.columns_between(session, run_id, columns, after=after, limit=PAGE)
        yield _csv([[row[0], row[1].isoformat(), *row[2]] for row in page])
        if len(page) < PAGE:
            return
        after = page[-1][0]


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
