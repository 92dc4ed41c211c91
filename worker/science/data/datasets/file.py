"""The user's own features, from `.npz`, `.npy` or `.h5`; values are taken as they are.

How the files are laid out and what is refused: `worker.science.data.files.reading`.
"""

from pathlib import Path

import torch
from torch import Tensor

from app.schemas.config import TaskConfig
from worker.science.data.datasets.base import Dataset, DatasetError
from worker.science.data.files.reading import DataFile, open_data_file


def load_file(path: str, task: TaskConfig) -> Dataset:
    """The file's dataset, if it has what the task needs."""
    with open_data_file(path) as file:
        classes, exemplars, _ = file.features.of_classes
        if lack := task.lack(classes, exemplars):
            raise DatasetError(f"{path}: {lack}")
        return _load(file)


def load_features(path: str | Path) -> Dataset:
    """All that the file has, sound but perhaps too little for a task."""
    with open_data_file(path) as file:
        return _load(file)


def _load(file: DataFile) -> Dataset:
    file.check_finite()
    names, drawings = file.names(), file.thumbnails()
    features = file.read(file.features, file.features_key, "float32")
    thumbnails = None if drawings is None else _tensor(file.read(drawings, "thumbnails", "uint8"))
    return Dataset(_tensor(features).reshape(file.features.of_classes), names, thumbnails)


def _tensor(array: object) -> Tensor:
    return torch.from_numpy(array)
