"""Raw numbers of runs as tables of Arrow: every measurement, in the columns of the CSV.

`sequences` are 64-bit whole numbers, `computed_at_utc` moments to the microsecond, all others
64-bit floating numbers; null is what a model does not have.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import Engine

from app.db import series as rows
from app.db.engine import session_scope
from app.services import arrow_tables
from app.services.arrow_tables import MOMENT, NUMBER, TEXT, WHOLE, ArrowForm
from app.services.series.measurements import SequenceRange
from app.services.series.names import Series
from app.services.series.tables import RunSeries

ROWS_AT_ONCE = 5000
RUNS_AT_ONCE = 100
_HEAD = (("sequences", WHOLE), ("computed_at_utc", MOMENT), ("elapsed_seconds", NUMBER))


def arrow_pieces(
    engine: Engine,
    form: ArrowForm,
    parts: Sequence[RunSeries],
    span: SequenceRange,
    *,
    named: bool,
) -> Iterator[bytes]:
    """The table in pieces; `named`: every row begins with its run. Shapes of models may differ."""
    series = list(dict.fromkeys(series for part in parts for series in part.chosen))
    columns = [*_HEAD, *((one.title, NUMBER) for one in series)]
    if named:
        columns.insert(0, ("run_id", TEXT))
    batches = (
        _batch(part, found, series, named=named) for part, found in _pages(engine, parts, span)
    )
    return arrow_tables.table_pieces(form, columns, batches)


def _batch(
    part: RunSeries, found: rows.Columns, series: Sequence[Series], *, named: bool
) -> arrow_tables.Columns:
    elapsed, *measured = found.numbers
    by_series = dict(zip(part.chosen, measured, strict=True))
    count = len(found.sequences)
    return [
        *([arrow_tables.texts([part.run_id] * count)] if named else ()),
        arrow_tables.wholes(found.sequences),
        arrow_tables.instants([rows.since_1970(at) for at in found.moments]),
        arrow_tables.numbers(elapsed),
        *(arrow_tables.numbers(by_series.get(one, [None] * count)) for one in series),
    ]


def _pages(
    engine: Engine, parts: Sequence[RunSeries], span: SequenceRange
) -> Iterator[tuple[RunSeries, rows.Columns]]:
    """Reads some thousand rows at a time, each in a transaction of its own: a slow reader holds no
    connection."""
    for _, alike in groupby(parts, key=lambda part: part.chosen):
        together = list(alike)
        for start in range(0, len(together), RUNS_AT_ONCE):
            yield from _of_some(engine, together[start : start + RUNS_AT_ONCE], span)


def _of_some(
    engine: Engine, parts: Sequence[RunSeries], span: SequenceRange
) -> Iterator[tuple[RunSeries, rows.Columns]]:
    with session_scope(engine) as session:
        ids = [part.run_id for part in parts]
        counts = rows.counts_between(session, ids, after=span.after, until=span.until)
    waiting: list[RunSeries] = []
    for part in parts:
        if sum(counts.get(one.run_id, 0) for one in [*waiting, part]) > ROWS_AT_ONCE:
            yield from _read(engine, waiting, span)
            waiting = []
        if counts.get(part.run_id, 0) > ROWS_AT_ONCE:
            yield from _of_long(engine, part, span)
        else:
            waiting.append(part)
    yield from _read(engine, waiting, span)


def _of_long(
    engine: Engine, part: RunSeries, span: SequenceRange
) -> Iterator[tuple[RunSeries, rows.Columns]]:
    # As for the CSV: of different moments, with nothing left out or twice between them.
    after: int | None = span.after
    while after is not None:
        with session_scope(engine) as session:
            end = rows.place_of(session, part.run_id, ROWS_AT_ONCE - 1, after=after)
        if end is None or (span.until is not None and end >= span.until):
            end = None
        yield from _read(engine, [part], SequenceRange(after, end or span.until))
        after = end


def _read(
    engine: Engine, parts: Sequence[RunSeries], span: SequenceRange
) -> Iterator[tuple[RunSeries, rows.Columns]]:
    if not parts:
        return
    chosen = parts[0].chosen
    wanted = [rows.Number("elapsed_seconds"), *(series.number for series in chosen)]
    with session_scope(engine) as session:
        found = rows.columns_of(
            session,
            [part.run_id for part in parts],
            wanted,
            after=span.after,
            until=span.until,
            with_moments=True,
        )
    yield from ((part, found[part.run_id]) for part in parts if part.run_id in found)
