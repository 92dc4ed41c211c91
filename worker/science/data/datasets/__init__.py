"""Data sources: what a config's `task.dataset` names, as features, names and thumbnails."""

from collections.abc import Callable

from app.schemas.config import TaskConfig
from worker.science.data.datasets.base import Dataset, DatasetError
from worker.science.data.datasets.file import load_features, load_file
from worker.science.data.datasets.gaussian import load_gaussian
from worker.science.data.datasets.glyphs import load_glyphs
from worker.science.data.datasets.thumbnails import thumbnail_uri

__all__ = ["Dataset", "DatasetError", "load_dataset", "load_features", "thumbnail_uri"]

TEST_EXEMPLARS = 4  # that invented sources draw beside those for training

# By the names of `app.schemas.datasets`: classes, exemplars of each, seed -> Dataset.
_INVENTED: dict[str, Callable[[int, int, int], Dataset]] = {
    "glyphs": load_glyphs,
    "gaussian": load_gaussian,
}


def load_dataset(task: TaskConfig, seed: int) -> Dataset:
    """The dataset of a task: at least `classes + new_classes` classes and `exemplars + 1` of each.

    The seed decides what is invented; a file is what it is. Raises `DatasetError`.
    """
    if task.dataset.startswith("file:"):
        return load_file(task.dataset.removeprefix("file:"), task)
    load = _INVENTED[task.dataset]
    return load(task.classes + task.new_classes, task.exemplars + TEST_EXEMPLARS, seed)
