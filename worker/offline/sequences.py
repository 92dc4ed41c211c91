"""Sequences from a file: which classes, which labels, of the features of another file.

`class_idx` and `labels` are [..., n, P + 1], the query's last; `exemplar_idx` of the same shape
says which exemplar of each class, the first if it is not there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from worker.offline.arrays import Array, Arrays, array_of, read_arrays
from worker.science.data.datasets import load_features
from worker.science.model import Batch

AXES = {2: "sequence, pair + query", 3: "update, sequence, pair + query"}


@dataclass(frozen=True)
class Sequences:
    """features [N, dim] of the exemplars that occur; row (in it) and labels [..., n, P + 1]."""

    path: Path
    features: Tensor
    row: Tensor
    labels: Tensor

    @property
    def pairs(self) -> int:
        """Context pairs P."""
        return self.row.shape[-1] - 1

    def batch(self, part: slice | int) -> Batch:
        """Some of the sequences, or those of one update."""
        row, labels = (t[part].T.contiguous() for t in (self.row, self.labels))
        features = self.features
        if len(features) > row.numel():  # a table of the batch's own exemplars is smaller
            features, row = features[row.flatten()], torch.arange(row.numel()).view(row.shape)
        return Batch(features, row, labels[:-1], labels[-1])

    def check_context_labels(self) -> None:
        """Raises ValueError if a context has one label only: an induction pattern has nowhere to
        put its rest then."""
        context = self.labels[..., :-1]
        same = (context == context[..., :1]).all(-1).numpy()
        if same.any():
            place, label = _place(np.argwhere(same)[0]), context.numpy()[same][0][0]
            raise ValueError(
                f"{self.path}: labels: an induction pattern needs two labels in every context; "
                f"{place} has only {label} there"
            )


def read_sequences(path: Path, features: Path, *, axes: int, labels: int, width: int) -> Sequences:
    """Sequences with so many axes, for a model that knows so many labels and takes features of
    this width."""
    dataset = load_features(features)
    classes, exemplars, found = dataset.features.shape
    if found != width:
        raise ValueError(f"{features}: features have {found} dimensions, the weights take {width}")
    arrays = read_arrays(path)
    class_idx = _integers(arrays, "class_idx", path, axes)
    given = _integers(arrays, "labels", path, axes)
    exemplar_idx = _exemplars(arrays, path, axes, class_idx)
    for name, array in (("labels", given), ("exemplar_idx", exemplar_idx)):
        if array.shape != class_idx.shape:
            raise ValueError(
                f"{path}: {name} must have the shape of class_idx, {list(class_idx.shape)}, "
                f"not {list(array.shape)}"
            )
    _check_range(class_idx, classes, f"{path}: class_idx", f"{features} has {classes} classes")
    _check_range(
        exemplar_idx, exemplars, f"{path}: exemplar_idx", f"{features} has {exemplars} exemplars"
    )
    _check_range(given, labels, f"{path}: labels", f"the weights know {labels} labels")
    _check_asked(given, path)
    rows = class_idx * exemplars + exemplar_idx
    used, row = np.unique(rows, return_inverse=True)
    table = dataset.features.flatten(0, 1)[torch.from_numpy(used)]
    return Sequences(
        path, table, torch.from_numpy(row.reshape(rows.shape)), torch.from_numpy(given)
    )


def _exemplars(arrays: Arrays, path: Path, axes: int, class_idx: Array) -> Array:
    if "exemplar_idx" not in arrays:
        return np.zeros_like(class_idx)
    return _integers(arrays, "exemplar_idx", path, axes)


def _integers(arrays: Arrays, name: str, path: Path, axes: int) -> Array:
    array = array_of(arrays, name, path)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{path}: {name} must be integers, not {array.dtype}")
    if array.ndim != axes or not array.size or array.shape[-1] < 2:
        raise ValueError(
            f"{path}: {name} must be [{AXES[axes]}], with a pair and not empty; "
            f"its shape is {list(array.shape)}"
        )
    return array.astype(np.int64)


def _check_range(array: Array, count: int, where: str, why: str) -> None:
    wrong = np.argwhere((array < 0) | (array >= count))
    if len(wrong):
        first = tuple(wrong[0])
        raise ValueError(
            f"{where} must be 0 to {count - 1}, as {why}; {_place(first[:-1])} has {array[first]}"
        )


def _check_asked(labels: Array, path: Path) -> None:
    """The query's label must be one of its context's: the task is to find it there."""
    wrong = np.argwhere(~(labels[..., :-1] == labels[..., -1:]).any(-1))
    if len(wrong):
        first = tuple(wrong[0])
        *context, asked = labels[first]
        raise ValueError(
            f"{path}: labels: {_place(first)} asks for {asked}, which is not in its context, "
            f"{', '.join(map(str, context))}"
        )


def _place(index: Array | tuple[int, ...]) -> str:
    *update, sequence = index
    before = f"update {update[0]}, " if update else ""
    return f"{before}sequence {sequence} (from 0)"
