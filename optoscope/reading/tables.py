"""Columns of numbers, and how they become what a notebook works with."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from optoscope.reading.libraries import library

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Cell = int | float | str | datetime | None


class DataTable:
    """Columns of equal length by their names; what a line lacks is None.

    Of measurements: `run_id` where there are several runs, `sequences`, `computed_at` (UTC),
    `elapsed_seconds`, then the series by name. Losses are in nats.
    """

    def __init__(self, columns: Mapping[str, list[Any]]) -> None:
        self.columns = dict(columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __repr__(self) -> str:
        return f"<{len(self)} lines of {', '.join(self.columns)}>"

    def to_pandas(self) -> "pandas.DataFrame":
        """As a `pandas.DataFrame`; what a line lacks is NaN."""
        frame: pandas.DataFrame = library("pandas").DataFrame(self.columns)
        return frame

    def to_polars(self) -> "polars.DataFrame":
        """As a `polars.DataFrame`; what a line lacks is null."""
        # All of a column decides its type: the first hundred lines may be whole numbers.
        frame: polars.DataFrame = library("polars").DataFrame(
            self.columns, infer_schema_length=None
        )
        return frame

    def to_arrow(self) -> "pyarrow.Table":
        """As a `pyarrow.Table`; what a line lacks is null."""
        table: pyarrow.Table = library("pyarrow").table(self.columns)
        return table


def of_lines(lines: Iterable[Mapping[str, Cell]]) -> DataTable:
    """A table from lines that need not have the same columns, in the order of their first use."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for line in lines:
        for name, value in line.items():
            columns.setdefault(name, []).extend([None] * (count - len(columns[name])))
            columns[name].append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return DataTable(columns)


def of_csv(text: str) -> DataTable:
    """A table of the API, with numbers as numbers; what is empty is None."""
    head, *lines = csv.reader(io.StringIO(text))
    cells = list(zip(*lines, strict=True)) or [()] * len(head)
    return DataTable({name: list(_typed(one)) for name, one in zip(head, cells, strict=True)})


def _typed(cells: Sequence[str]) -> Iterator[Cell]:
    """Numbers if all of a column are; a name that happens to be one stays a name else."""
    for kind in (int, float):
        try:
            yield from [kind(cell) if cell else None for cell in cells]
        except ValueError:
            continue
        return
    yield from (cell or None for cell in cells)
