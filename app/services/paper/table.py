"""A figure's numbers as CSV: ours, nothing thinned, and the published ones."""

from collections.abc import Iterable, Iterator

from app.schemas.paper.figure import PAPER, PaperFigure, PublishedTable
from app.schemas.paper.rules import LEVELS, Curves
from app.services.csv_text import csv_text

HEADER = ("source", "line", "metric", "sequences", "value")


def figure_lines(
    figure: PaperFigure, curves: Curves, tables: Iterable[PublishedTable]
) -> Iterator[str]:
    """Lines of the table; crossings are published points at their level, tables come at the end."""
    yield csv_text([HEADER])
    for line in figure.lines:
        if curve := curves.get(line.label):
            pairs = zip(curve.sequences, curve.numbers, strict=True)
            yield csv_text(("ours", line.label, line.metric, *pair) for pair in pairs)
        known = [*line.published.points]
        known += [(place, LEVELS[level]) for level, place in line.published.crossings.items()]
        yield csv_text((PAPER, line.label, line.metric, *pair) for pair in sorted(known))
    for table in tables:
        yield csv_text([(PAPER, table.title, *map(str, table.columns))])
        yield csv_text((PAPER, table.title, *row) for row in table.rows)
