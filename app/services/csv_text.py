"""Lines of CSV, as every table of ours is written."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(lines: Iterable[Sequence[Any]]) -> str:
    """Lines of cells. Text that a spreadsheet would take for a formula has a `'` before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_harmless(cell) for cell in line] for line in lines)
    return text.getvalue()


def begun(pieces: Iterator[str], count: int = 2) -> Iterator[str]:
    """The same pieces, the first of which are made at once: head and first page of a table.

    What cannot be written is found out here, while there is still a status to send.
    """
    first = list(islice(pieces, count))
    return chain(first, pieces)


def _harmless(cell: object) -> object:
    # Numbers are no text: a negative one stays as it is.
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
