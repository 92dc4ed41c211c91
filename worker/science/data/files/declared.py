"""What a file says of an array before it is read, and what of that is believed."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2**30  # of an array, in the file as in memory: eight times the paper's Omniglot
PIECE_BYTES = 2**23  # read at once
MOST_PIECE_BYTES = 2**26
MEGABYTE = 10**6

Array = NDArray[np.generic]


class DataFileError(ValueError):
    """A data file cannot give what is asked of it; the message says what is missing."""


@dataclass(frozen=True)
class Declared:
    """An array of a file. `where`: the file and the key, as messages name it."""

    where: str
    dtype: np.dtype
    shape: tuple[int, ...]
    is_fortran: bool = False

    @property
    def order(self) -> Literal["C", "F"]:
        return "F" if self.is_fortran else "C"

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes in memory, as it is written."""
        return self.count * self.dtype.itemsize

    def check_size(self) -> None:
        """Raises `DataFileError` for an array that is too large to be read."""
        if any(length < 0 for length in self.shape):
            raise DataFileError(f"{self.where}: its shape {list(self.shape)} cannot be")
        if self.size > MOST_BYTES:
            raise DataFileError(
                f"{self.where} would take {self.size / MEGABYTE:,.0f} MB, {list(self.shape)} of "
                f"{self.dtype}; an array may take {MOST_BYTES / MEGABYTE:,.0f} MB"
            )

    def check_features(self) -> None:
        """Raises `DataFileError` unless it is numbers, [class, exemplar, dim] or [class, dim]."""
        if self.dtype.hasobject:
            raise DataFileError(
                f"{self.where} must be numbers, not Python objects: those are never unpacked, "
                "as they could run any program"
            )
        if self.dtype.kind not in "fiu":
            raise DataFileError(f"{self.where} must be numbers, not {self.dtype}")
        if len(self.shape) not in (2, 3) or not self.count:
            raise DataFileError(
                f"{self.where} must be [class, exemplar, dim] or [class, dim] and not empty, "
                f"its shape is {list(self.shape)}"
            )
        self.check_size()

    @property
    def of_classes(self) -> tuple[int, int, int]:
        """[class, exemplar, dim]; of features of two axes there is one exemplar."""
        first, *middle, last = self.shape
        return first, middle[0] if middle else 1, last
