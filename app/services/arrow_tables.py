"""Tables as Parquet and as streams of Arrow, piece by piece while they are sent.

Written by arro3, the Rust library of Arrow for Python: a fifth of pyarrow's size, and unlike that
it does not load numpy wherever there is one.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from io import RawIOBase
from itertools import chain
from queue import Full, Queue
from threading import Event, Thread
from typing import IO, Any, cast

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_ipc_stream, write_parquet
from typing_extensions import Buffer

ROWS_OF_GROUP = 20_000  # of a Parquet file: what its writer holds at once, some ten megabytes
PIECES = 8  # that wait for a slow reader
PATIENCE = 0.5  # seconds between looks whether the other side is still there

TEXT, WHOLE, NUMBER = DataType.utf8(), DataType.int64(), DataType.float64()
MOMENT = DataType.timestamp("us", tz="UTC")
Columns = Sequence[Array]
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


class ArrowForm(StrEnum):
    """How a table of Arrow's types is written, by the ending of its file."""

    PARQUET = "parquet"
    ARROW = "arrow"


def table_pieces(
    form: ArrowForm, columns: Sequence[tuple[str, DataType]], batches: Iterable[Columns]
) -> Iterator[bytes]:
    """The table in pieces. Its first rows are made at once: what cannot be written is found out
    here, while there is still a status to send."""
    schema = Schema([Field(name, kind) for name, kind in columns])
    rest = (RecordBatch.from_arrays(list(batch), schema=schema) for batch in batches)
    first = [batch for batch in [next(rest, None)] if batch is not None]
    return _Pipe(form, schema, chain(first, rest)).pieces()


def texts(values: Sequence[str | None]) -> Array:
    """A column of text."""
    return Array(values, TEXT)


def wholes(values: Sequence[int | None]) -> Array:
    """A column of whole numbers of 64 bits."""
    return Array(values, WHOLE)


def numbers(values: Sequence[float | None]) -> Array:
    """A column of floating numbers of 64 bits. NaN is a number; None is none."""
    if None in values or not values:  # of nothing there is no buffer
        return Array(values, NUMBER)
    return Array.from_buffer(array("d", cast(Sequence[float], values)))


def moments(values: Sequence[datetime | None]) -> Array:
    """A column of moments, to the microsecond."""
    return instants([None if one is None else _microseconds(one) for one in values])


def columns_of(kinds: Sequence[DataType], rows: Sequence[Sequence[Any]]) -> Columns:
    """Columns of these kinds from rows of cells."""
    cells = zip(*rows, strict=True) if rows else ((),) * len(kinds)
    return [_column(kind, values) for kind, values in zip(kinds, cells, strict=True)]


def _column(kind: DataType, values: Sequence[Any]) -> Array:
    if kind == NUMBER:
        return numbers([None if one is None else float(one) for one in values])
    if kind == MOMENT:
        return moments(values)
    return Array(values, kind)


def instants(values: Sequence[int | None]) -> Array:
    """The same from microseconds since 1970."""
    return wholes(values).cast(MOMENT)


def _microseconds(moment: datetime) -> int:
    return (moment - _SINCE) // timedelta(microseconds=1)  # in whole numbers: exactly


class _Pipe(RawIOBase):
    """From a writer that writes all at once to a reader that takes pieces when it can."""

    def __init__(self, form: ArrowForm, schema: Schema, batches: Iterator[RecordBatch]) -> None:
        super().__init__()
        self._form, self._schema, self._batches = form, schema, batches
        self._queue: Queue[bytes] = Queue(PIECES)
        self._abandoned = Event()
        self._failed: list[BaseException] = []

    def pieces(self) -> Iterator[bytes]:
        """What is written, until it is whole. Raises what the batches raise."""
        Thread(target=self._write, name="table", daemon=True).start()
        try:
            while piece := self._queue.get():
                yield piece
        finally:
            self._abandoned.set()
        if self._failed:
            raise self._failed[0]

    def writable(self) -> bool:
        return True

    def write(self, piece: Buffer) -> int:
        content = bytes(piece)
        if content:
            self._put(content)
        return len(content)

    def _put(self, piece: bytes) -> None:
        # To nobody it is written, too, and never refused: the Parquet writer takes an error for a
        # fault of its own and fills the log with it.
        while not self._abandoned.is_set():
            with suppress(Full):
                return self._queue.put(piece, timeout=PATIENCE)

    def _write(self) -> None:
        reader = RecordBatchReader.from_batches(self._schema, self._heard())
        try:
            _WRITERS[self._form](reader, cast(IO[bytes], self))
        except BaseException as error:  # the writer has one that is no Exception
            self._failed.append(error)
        self._put(b"")  # the end

    def _heard(self) -> Iterator[RecordBatch]:
        """The batches, as long as anybody reads. What they raise is kept: what comes out at the
        other side of the writer is its text alone."""
        try:
            for batch in self._batches:
                if self._abandoned.is_set():
                    return
                yield batch
        except Exception as error:
            self._failed.append(error)
            raise


def _parquet(reader: RecordBatchReader, file: IO[bytes]) -> None:
    write_parquet(reader, file, compression="zstd(1)", max_row_group_size=ROWS_OF_GROUP)


_WRITERS: dict[ArrowForm, Callable[[RecordBatchReader, IO[bytes]], None]] = {
    ArrowForm.PARQUET: _parquet,
    ArrowForm.ARROW: write_ipc_stream,
}
