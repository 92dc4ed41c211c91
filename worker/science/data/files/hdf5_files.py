"""`.h5`: only arrays that are in the file itself. No links, no other files, no endless shapes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from worker.science.data.files.declared import (
    MOST_PIECE_BYTES,
    PIECE_BYTES,
    Array,
    DataFileError,
    Declared,
)


class Hdf5Arrays:
    """The arrays of an HDF5 file; nested ones by their paths. Raises `DataFileError`."""

    def __init__(self, path: Path, nested: Sequence[str]) -> None:
        try:
            import h5py  # only those who have such files need it
        except ImportError as error:
            raise DataFileError(f"{path}: reading it needs h5py: pip install h5py") from error
        self._h5py, self._path = h5py, path
        self._file = h5py.File(path, "r")
        self._nested = nested

    def close(self) -> None:
        self._file.close()

    @property
    def keys(self) -> Sequence[str]:
        found = [key for key in self._nested if self._found(key) is not None]
        return [*self._file, *found]

    def declared(self, key: str) -> Declared:
        where = f"{self._path}: {key}"
        array = self._array(key)
        if array.shape is None:
            raise DataFileError(f"{where} has no values at all")
        is_text = array.dtype.hasobject and self._h5py.check_string_dtype(array.dtype) is not None
        said = Declared(where, np.dtype("S1") if is_text else array.dtype, tuple(array.shape))
        self._check_pieces(array, said)
        return said

    def pieces(self, key: str) -> Iterator[Array]:
        """The values in the order of C, flat; some classes at a time."""
        array, said = self._array(key), self.declared(key)
        rows = _rows(array, said)
        for start in range(0, said.shape[0], rows):
            yield np.asarray(array[start : start + rows]).reshape(-1)

    def _found(self, key: str) -> Any:
        """What is there, or None. A link is not followed but refused."""
        here = self._file
        for part in key.split("/"):
            link = here.get(part, getlink=True) if isinstance(here, self._h5py.Group) else None
            if link is None:
                return None
            if not isinstance(link, self._h5py.HardLink):
                raise DataFileError(
                    f"{self._path}: {key} is a link; put the array itself into the file"
                )
            here = here[part]
        return here

    def _array(self, key: str) -> Any:
        array = self._found(key)
        if not isinstance(array, self._h5py.Dataset):
            raise DataFileError(f"{self._path}: {key} is a group, not an array")
        if array.external or array.is_virtual:
            raise DataFileError(
                f"{self._path}: {key} has its values in another file; put them into this one"
            )
        return array

    def _check_pieces(self, array: Any, said: Declared) -> None:
        """A piece is read whole, and so is every chunk that it touches."""
        item = said.dtype.itemsize
        largest = max(np.prod(array.chunks or (0,), dtype=float) * item, _row_bytes(said))
        if said.size and largest > MOST_PIECE_BYTES:
            raise DataFileError(
                f"{said.where} is stored in pieces of {largest / 1e6:,.0f} MB; a class or a chunk "
                f"may take {MOST_PIECE_BYTES / 1e6:,.0f} MB"
            )


def _row_bytes(said: Declared) -> int:
    return said.size // said.shape[0] if said.shape and said.shape[0] else 0


def _rows(array: Any, said: Declared) -> int:
    """Classes that are read at once: whole chunks, so that none is unpacked again and again."""
    row = max(1, _row_bytes(said))
    wanted = max(PIECE_BYTES // row, array.chunks[0] if array.chunks else 1)
    return max(1, min(wanted, MOST_PIECE_BYTES // row))
