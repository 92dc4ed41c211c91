"""Arrays in `.npz` and `.safetensors` files.

What is missing is said in a sentence, what is written is whole.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_BROKEN = (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile)
_SHOWN = 6  # names that a sentence lists


def read_arrays(path: Path) -> dict[str, Array]:
    """All arrays of an .npz file, or of a .safetensors file, by name."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        content = np.load(path, allow_pickle=False)
        if not isinstance(content, np.ndarray):
            with content:
                return {name: content[name] for name in content.files}
    except _BROKEN as error:
        raise ValueError(f"{path}: not an .npz file that can be read: {error}") from None
    raise ValueError(f"{path}: holds a single array; an .npz file with named ones is needed")


def _read_safetensors(path: Path) -> dict[str, Array]:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError, TypeError) as error:
        raise ValueError(f"{path}: not a .safetensors file that can be read: {error}") from None


def array_of(arrays: Arrays, name: str, path: Path) -> Array:
    """One of a file's arrays."""
    if name not in arrays:
        raise ValueError(f"{path}: lacks the array {name}; it has {some(arrays)}")
    return arrays[name]


def some(names: Mapping[str, object]) -> str:
    """A few of them, for a sentence."""
    found = sorted(names)
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + rest if found else "nothing"


@contextmanager
def output(path: Path) -> Iterator[Callable[[str, Array], None]]:
    """Puts arrays, by name, into an .npz file that is there once all of them are."""
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as folder:
        yield partial(_put, folder)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there once all of it is written.

    That it can be written is found out first, before anything is computed for it.
    """
    if path.is_dir():
        example = path / f"out{path.suffix or '.json'}"
        raise ValueError(f"{path}: is a folder; name a file in it, for instance {example}")
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = unfinished.open("wb")
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _put(folder: zipfile.ZipFile, name: str, array: Array) -> None:
    """As `np.savez` does, which would hold all arrays in memory first."""
    with folder.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
