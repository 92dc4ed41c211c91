"""The user's own features, from `.npz`, `.npy` or `.h5`; values are taken as they are.

- `.npz`: `features` [class, exemplar, dim]; optional `thumbnails` [class, exemplar, 28, 28] uint8,
  dark ink on white, and `class_names` [class]
- `.npy`: the features alone
- `.h5`, `.hdf5`: the published code's layout, `resnet18/224/feat` with an optional `class_order`
  (github.com/aadityasingh/icl-dynamics), or `features` at the root with the optional keys above

Features [class, dim] are one exemplar of each class.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.schemas.config import TaskConfig
from worker.science.data.datasets.base import Dataset, DatasetError

Arrays = Mapping[str, NDArray[np.generic]]

_PUBLISHED = "resnet18/224/feat"
_FEATURES = ("features", _PUBLISHED)  # keys that may hold them, in this order
_EXTRAS = ("thumbnails", "class_names", "class_order")
_THUMBNAIL_SHAPE = (28, 28)
_BROKEN = (OSError, ValueError, TypeError, KeyError, EOFError, zlib.error, zipfile.BadZipFile)


def load_file(path: str, task: TaskConfig) -> Dataset:
    """The file's dataset, if it has what the task needs."""
    dataset = load_features(path)
    classes, exemplars, _ = dataset.features.shape
    needed = task.classes + task.new_classes
    if classes < needed:
        raise DatasetError(
            f"{path}: needs {needed} classes ({task.classes} training + {task.new_classes} new), "
            f"the file has {classes}"
        )
    if exemplars <= task.exemplars:
        raise DatasetError(
            f"{path}: needs {task.exemplars + 1} exemplars of each class "
            f"({task.exemplars} training + at least 1 to test), the file has {exemplars}"
        )
    return dataset


def load_features(path: str | Path) -> Dataset:
    """All that the file has, sound but perhaps too little for a task."""
    arrays = _read(Path(os.path.expanduser(path)))
    key = next(key for key in _FEATURES if key in arrays)
    features = _features(arrays[key], f"{path}: {key}")
    classes, exemplars, _ = features.shape
    return Dataset(
        features, _names(arrays, classes, path), _thumbnails(arrays, classes, exemplars, path)
    )


def _features(array: NDArray[np.generic], where: str) -> Tensor:
    """Float32 [class, exemplar, dim], every value finite."""
    if array.dtype.kind not in "fiu":
        raise DatasetError(f"{where} must be numbers, not {array.dtype}")
    if array.ndim not in (2, 3) or not array.size:
        raise DatasetError(
            f"{where} must be [class, exemplar, dim] or [class, dim] and not empty, "
            f"its shape is {list(array.shape)}"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is reported below
        features = np.array(array if array.ndim == 3 else array[:, None], dtype=np.float32)
    wrong = np.argwhere(~np.isfinite(features))
    if len(wrong):
        first, exemplar, dim = wrong[0]
        raise DatasetError(
            f"{where} must be finite, {len(wrong)} of its values are not; the first is in "
            f"class {first}, exemplar {exemplar}, dimension {dim}"
        )
    return torch.from_numpy(features)


def _names(arrays: Arrays, classes: int, path: str | Path) -> tuple[str, ...]:
    """The file's names of its classes, or their numbers."""
    key = next((key for key in ("class_names", "class_order") if key in arrays), None)
    if key is None:
        return tuple(f"class {index}" for index in range(classes))
    names = arrays[key]
    if names.shape != (classes,):
        raise DatasetError(
            f"{path}: {key} must name {classes} classes, its shape is {list(names.shape)}"
        )
    return tuple(_name(name) for name in names.tolist())


def _name(name: object) -> str:
    """HDF5 has bytes, the published class order numbers."""
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    return name if isinstance(name, str) else f"class {name}"


def _thumbnails(arrays: Arrays, classes: int, exemplars: int, path: str | Path) -> Tensor | None:
    """The file's drawings, if it has any."""
    if "thumbnails" not in arrays:
        return None
    drawings = arrays["thumbnails"]
    shape = (classes, exemplars, *_THUMBNAIL_SHAPE)
    if drawings.dtype != np.uint8 or drawings.shape != shape:
        raise DatasetError(
            f"{path}: thumbnails must be uint8 {list(shape)}, "
            f"they are {drawings.dtype} {list(drawings.shape)}"
        )
    return torch.from_numpy(np.array(drawings, dtype=np.uint8))


def _read(path: Path) -> Arrays:
    """The arrays that matter, by key; features are among them."""
    readers = {".npz": _read_numpy, ".npy": _read_numpy, ".h5": _read_hdf5, ".hdf5": _read_hdf5}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(f"{path}: the name must end in {', '.join(readers)}")
    if not path.is_file():
        raise DatasetError(f"{path}: there is no such file")
    try:
        return reader(path)
    except DatasetError:
        raise
    except _BROKEN as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _read_numpy(path: Path) -> Arrays:
    with path.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"features": content}
        return {key: content[key] for key in _wanted(content.files, path)}


def _read_hdf5(path: Path) -> Arrays:
    try:
        import h5py  # only those who have such files need it
    except ImportError as error:
        raise DatasetError(f"{path}: reading it needs h5py: pip install h5py") from error
    with h5py.File(path, "r") as file:
        nested = [_PUBLISHED] if _PUBLISHED in file else []
        return {key: np.asarray(file[key][()]) for key in _wanted([*file, *nested], path)}


def _wanted(keys: Sequence[str], path: Path) -> list[str]:
    """Those of a file's keys that matter."""
    if not any(key in keys for key in _FEATURES):
        found = ", ".join(sorted(keys)) or "nothing"
        raise DatasetError(f"{path}: needs the key 'features', the file has {found}")
    return [key for key in (*_FEATURES, *_EXTRAS) if key in keys]
