"""`.npz` and `.npy`: headers first, then the numbers, piece by piece. Never a pickle."""

import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from worker.science.data.files.declared import PIECE_BYTES, Array, DataFileError, Declared

_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may want gigabytes to unpack a little
_LONGEST_HEADER = 10_000  # as numpy has it


class NumpyArrays:
    """The arrays of an `.npz`, or the one of an `.npy` as its features."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_zip = zipfile.is_zipfile(path)
        self._archive = zipfile.ZipFile(path) if self._is_zip else None

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

    @property
    def keys(self) -> Sequence[str]:
        if self._archive is None:
            return ["features"]
        return [name.removesuffix(".npy") for name in self._archive.namelist()]

    def declared(self, key: str) -> Declared:
        with self._opened(key) as (file, _):
            return self._header(file, key)

    def pieces(self, key: str) -> Iterator[Array]:
        """The values in the order in which they are written, flat."""
        with self._opened(key) as (file, length):
            said = self._header(file, key)
            if length < file.tell() + said.size:
                raise DataFileError(f"{said.where} is cut short: it has not all that it declares")
            step = max(1, PIECE_BYTES // max(1, said.dtype.itemsize))
            for start in range(0, said.count, step):
                wanted = min(step, said.count - start) * said.dtype.itemsize
                content = file.read(wanted)
                if len(content) < wanted:
                    raise DataFileError(f"{said.where} is cut short")
                yield np.frombuffer(content, said.dtype)

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[IO[bytes], int]]:
        """The array as it is written, and how many bytes that are."""
        if self._archive is None:
            with self._path.open("rb") as file:
                yield file, os.fstat(file.fileno()).st_size
            return
        info = self._archive.getinfo(f"{key}.npy")
        if info.compress_type not in _KNOWN or info.flag_bits & 1:
            raise DataFileError(
                f"{self._path}: {key} is packed in a way that numpy does not write; save it by "
                "numpy.savez"
            )
        with self._archive.open(info) as member:
            yield member, info.file_size

    def _header(self, file: IO[bytes], key: str) -> Declared:
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        version = npy.read_magic(file)
        if version not in readers:
            raise DataFileError(f"{self._path}: {key} has a format of numpy that is not known")
        length = file.read(2 if version == (1, 0) else 4)
        size = int.from_bytes(length, "little")
        if size > _LONGEST_HEADER:  # numpy would read it first, and complain afterwards
            raise DataFileError(f"{self._path}: {key} has a header of {size:,} bytes")
        shape, is_fortran, dtype = readers[version](BytesIO(length + file.read(size)))
        return Declared(f"{self._path}: {key}", dtype, tuple(map(int, shape)), is_fortran)
