"""What a comparison shows, as a table: every number of every curve, nothing thinned."""

from collections.abc import Iterator
from itertools import chain, islice

from app.services.arrow_tables import NUMBER, TEXT, WHOLE, ArrowForm, columns_of, table_pieces
from app.services.charts.curves import RunGroup
from app.services.compare.comparison import Comparison
from app.services.compare.view import CompareView
from app.services.csv_text import csv_text

HEADER = ("group", "run_id", "run", "what", "value", "runs")
KINDS = (TEXT, TEXT, TEXT, TEXT, NUMBER, NUMBER, WHOLE)  # with the place before the value
ROWS_AT_ONCE = 5000


def csv_name(view: CompareView) -> str:
    """What a download of it is called, without an ending."""
    minus = f"-minus-{view.baseline}" if view.baseline else ""
    return f"compare-{view.series}{minus}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Lines of the table: the runs of each group, and of several their mean and range, with how
    many of the runs have a number there."""
    yield csv_text([_header(comparison)])
    for row in _all_rows(comparison):
        yield csv_text([row])


def comparison_pieces(comparison: Comparison, form: ArrowForm) -> Iterator[bytes]:
    """The same in Arrow's types. Places are floating numbers: midpoints lie between two whole
    ones. Null is what is empty there."""
    rows = ([cell if cell != "" else None for cell in row] for row in _all_rows(comparison))
    batches = iter(lambda: list(islice(rows, ROWS_AT_ONCE)), [])
    head = list(zip(_header(comparison), KINDS, strict=True))
    return table_pieces(form, head, (columns_of(KINDS, batch) for batch in batches))


def _header(comparison: Comparison) -> tuple[str, ...]:
    place = "sequences_from_midpoint" if comparison.view.is_aligned else "sequences"
    return (*HEADER[:-2], place, *HEADER[-2:])


def _all_rows(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    for group in comparison.curves.groups:
        yield from _rows(comparison, group)


def _rows(comparison: Comparison, group: RunGroup) -> Iterator[tuple[object, ...]]:
    curves = comparison.curves.curves
    for run in group.runs:
        curve = curves[run.run_id]
        for place, number in zip(curve.sequences, curve.numbers, strict=True):
            yield group.label, run.run_id, run.name, "run", place, number, 1
        for what, where in _midpoint(comparison, run.run_id):
            yield group.label, run.run_id, run.name, what, where, "", 1
    common = list(chain.from_iterable(comparison.curves.spread_of(group)))
    for what in ("mean", "least", "most"):
        for point in common:
            yield group.label, "", "", what, point.at, getattr(point, what), point.count


def _midpoint(comparison: Comparison, run_id: str) -> Iterator[tuple[str, float]]:
    """Where a run's loss drops, and the measurements on both sides: places without a number."""
    bracket, origin = comparison.midpoints.get(run_id), comparison.origins[run_id]
    [exact] = [one.run.midpoint for one in comparison.chosen.runs if one.run.id == run_id]
    if bracket is None or exact is None:
        return
    yield "midpoint", 0 if comparison.view.is_aligned else exact
    if bracket.after is not None:
        yield "midpoint_after", bracket.after - origin
    yield "midpoint_until", bracket.until - origin
