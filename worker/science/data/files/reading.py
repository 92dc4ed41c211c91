"""Opening a data file, what in it matters, and a look at all of it in little memory.

- `.npz`: `features` [class, exemplar, dim]; optional `thumbnails` [class, exemplar, 28, 28] uint8,
  dark ink on white, and `class_names` [class]
- `.npy`: the features alone
- `.h5`, `.hdf5`: the published code's layout, `resnet18/224/feat` with an optional `class_order`
  (github.com/aadityasingh/icl-dynamics), or `features` at the root with the optional keys above

Features [class, dim] are one exemplar of each class. Big-endian numbers are read like others.
"""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.schemas.text import NUL, shown
from worker.science.data.files.declared import Array, DataFileError, Declared
from worker.science.data.files.hdf5_files import Hdf5Arrays
from worker.science.data.files.numpy_files import NumpyArrays

PUBLISHED = "resnet18/224/feat"
FEATURES = ("features", PUBLISHED)  # keys that may hold them, in this order
THUMBNAIL_SHAPE = (28, 28)
_NAMES = ("class_names", "class_order")
_SUFFIXES = (".npz", ".npy", ".h5", ".hdf5")
_LONGEST_LIST = 200  # characters of a list of keys
# What the libraries raise at files that are not what they seem.
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    RuntimeError,
    NotImplementedError,  # of zipfile, for a compression that it does not know
    OverflowError,
    SyntaxError,
    zlib.error,
    zipfile.BadZipFile,
)


class Arrays(Protocol):
    """The arrays of a file, by key."""

    @property
    def keys(self) -> Sequence[str]: ...

    def declared(self, key: str) -> Declared: ...

    def pieces(self, key: str) -> Iterator[Array]: ...


@dataclass(frozen=True)
class DataFile:
    """A file that is open, and what its arrays declare."""

    path: str | Path
    arrays: Arrays
    features_key: str
    features: Declared

    def names(self) -> tuple[str, ...]:
        """The file's names of its classes, or their numbers."""
        classes = self.features.shape[0]
        key = next((key for key in _NAMES if key in self.arrays.keys), None)
        if key is None:
            return tuple(f"class {index}" for index in range(classes))
        said = self.arrays.declared(key)
        if said.shape != (classes,) or said.size > 2**24:
            raise DataFileError(
                f"{said.where} must name {classes} classes, its shape is {list(said.shape)}"
            )
        if said.dtype.hasobject:
            raise DataFileError(f"{said.where} must be text or numbers, not Python objects")
        return tuple(_name(name) for piece in self.arrays.pieces(key) for name in piece.tolist())

    def thumbnails(self) -> Declared | None:
        """What it says of its drawings, if it has any."""
        if "thumbnails" not in self.arrays.keys:
            return None
        said = self.arrays.declared("thumbnails")
        shape = (*self.features.of_classes[:2], *THUMBNAIL_SHAPE)
        if said.dtype != np.uint8 or said.shape != shape:
            raise DataFileError(
                f"{said.where} must be uint8 {list(shape)}, "
                f"they are {said.dtype} {list(said.shape)}"
            )
        said.check_size()
        return said

    def read(self, said: Declared, key: str, dtype: DTypeLike) -> NDArray[np.generic]:
        """An array whole, of that type; memory is taken once, for what was declared and checked."""
        values, place = np.empty(said.count, dtype), 0
        with np.errstate(over="ignore"):  # what float32 cannot hold is found by `check_finite`
            for piece in self.arrays.pieces(key):
                values[place : place + len(piece)] = piece
                place += len(piece)
        return values.reshape(said.shape, order=said.order)

    def check_finite(self) -> None:
        """Raises `DataFileError` if float32 cannot hold a value. Looks at all, holds few."""
        wrong, first, place = 0, -1, 0
        for piece in self.arrays.pieces(self.features_key):
            with np.errstate(over="ignore"):
                unsound = np.flatnonzero(~np.isfinite(piece.astype(np.float32)))
            if len(unsound) and first < 0:
                first = place + int(unsound[0])
            wrong, place = wrong + len(unsound), place + len(piece)
        if wrong:
            at = np.unravel_index(first, self.features.shape, self.features.order)
            at = (at[0], np.intp(0), at[1]) if len(at) == 2 else at
            raise DataFileError(
                f"{self.features.where} must be finite, {wrong} of its values are not; the first "
                f"is in class {at[0]}, exemplar {at[1]}, dimension {at[2]}"
            )


@contextmanager
def open_data_file(path: str | Path) -> Iterator[DataFile]:
    """The file, if its features are as they must be. Raises `DataFileError`, also while it is read:
    the sentences are ours, whatever a library would say."""
    place = Path(os.path.expanduser(path))
    if place.suffix.lower() not in _SUFFIXES:
        raise DataFileError(f"{path}: the name must end in {', '.join(_SUFFIXES)}")
    if not place.is_file():
        raise DataFileError(f"{path}: there is no such file")
    try:
        with closing(_opened(place)) as arrays:
            key = _features_key(arrays.keys, path)
            said = arrays.declared(key)
            said.check_features()
            yield DataFile(path, arrays, key, said)
    except DataFileError:
        raise
    except PermissionError as error:
        raise DataFileError(f"{path}: cannot be read: permission is denied") from error
    except MemoryError as error:
        raise DataFileError(f"{path}: cannot be read: it takes more memory than it says") from error
    except _BROKEN as error:
        kind = place.suffix.lower()
        raise DataFileError(
            f"{path}: cannot be read: it is no {kind} file, or it is cut short or damaged"
        ) from error


def identity_of(path: str | Path) -> str:
    """The SHA-256 of the file, hexadecimal."""
    with Path(os.path.expanduser(path)).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(place: Path) -> NumpyArrays | Hdf5Arrays:
    is_numpy = place.suffix.lower() in (".npz", ".npy")
    return NumpyArrays(place) if is_numpy else Hdf5Arrays(place, [PUBLISHED])


def _features_key(keys: Sequence[str], path: str | Path) -> str:
    found = next((key for key in FEATURES if key in keys), None)
    if found is None:
        there = shown(", ".join(sorted(keys))).replace(NUL, "")[:_LONGEST_LIST] or "nothing"
        raise DataFileError(f"{path}: needs the key 'features', the file has {there}")
    return found


def _name(name: object) -> str:
    """HDF5 has bytes, the published class order numbers. As it can be kept and shown."""
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    return shown(name).replace(NUL, "") if isinstance(name, str) else f"class {name}"
