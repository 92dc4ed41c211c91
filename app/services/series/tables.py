"""Raw numbers of runs as tables: one line per measurement, nothing left out.

CSV columns: `run_id` where there are several runs, `sequences`, `computed_at_utc` (RFC 3339),
`elapsed_seconds` (training time), then every series under its name, with `_nats` after losses;
accuracies and probabilities are shares, strengths have no unit. Numbers that are not finite are
written `nan`, `inf` and `-inf`. JSON Lines hold the same under the names of the series; there what
is not finite is null, and said under `nonfinite`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from app.db import series as rows
from app.db.engine import session_scope
from app.services.csv_text import csv_text
from app.services.series.measurements import SequenceRange, finite, nonfinite
from app.services.series.names import Series

PAGE = 1000
Row = tuple[int, datetime, tuple[float, ...]]


@dataclass(frozen=True)
class RunSeries:
    """The series of one run that are written."""

    run_id: str
    chosen: Sequence[Series]


def csv_lines(
    engine: Engine, parts: Sequence[RunSeries], span: SequenceRange, *, named: bool
) -> Iterator[str]:
    """The table in pieces; `named`: every line begins with its run. Shapes of models may differ."""
    series = list(dict.fromkeys(series for part in parts for series in part.chosen))
    head = ["sequences", "computed_at_utc", "elapsed_seconds", *(one.title for one in series)]
    yield csv_text([["run_id", *head] if named else head])
    for part in parts:
        places = {one: 1 + index for index, one in enumerate(part.chosen)}
        for page in _pages(engine, part, span):
            yield csv_text(
                [
                    [
                        *([part.run_id] if named else ()),
                        sequences,
                        computed_at.isoformat(),
                        numbers[0],
                        *(numbers[places[one]] if one in places else "" for one in series),
                    ]
                    for sequences, computed_at, numbers in page
                ]
            )


def json_lines(engine: Engine, parts: Sequence[RunSeries], span: SequenceRange) -> Iterator[str]:
    """The same as JSON, an object a line, in pieces."""
    for part in parts:
        names = ["elapsed_seconds", *(one.name for one in part.chosen)]
        for page in _pages(engine, part, span):
            yield "".join(_json(part.run_id, names, row) for row in page)


def _json(run_id: str, names: Sequence[str], row: Row) -> str:
    sequences, computed_at, numbers = row
    said: dict[str, Any] = {
        "run_id": run_id,
        "sequences": sequences,
        "computed_at": computed_at.isoformat(),
    }
    by_name = dict(zip(names, numbers, strict=True))
    said |= {name: finite(number) for name, number in by_name.items()}
    unsaid = {name: kind for name, number in by_name.items() if (kind := nonfinite(number))}
    return json.dumps(said | ({"nonfinite": unsaid} if unsaid else {})) + "\n"


def _pages(engine: Engine, part: RunSeries, span: SequenceRange) -> Iterator[Sequence[Row]]:
    """Reads a page at a time: a slow reader holds no connection."""
    columns = [rows.number_of("elapsed_seconds"), *(series.column for series in part.chosen)]
    after = span.after
    while True:
        # Pages are of different moments, with nothing left out or twice between them: keys only
        # grow, and a run that is resumed writes rows again under the same keys and with the same
        # numbers.
        with session_scope(engine) as session:
            page = rows.columns_between(
                session, part.run_id, columns, after=after, until=span.until, limit=PAGE
            )
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1][0]
