"""What training may see: classes, exemplars and label combinations, and what is kept from it."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.schemas.config import RunConfig, TaskConfig
from app.schemas.measure import Evaluator
from worker.science.data.datasets import Dataset
from worker.science.data.seeding import Stream, generator


@dataclass(frozen=True)
class Pool:
    """What sequences are drawn from. labels [combination, context labels]."""

    classes: np.ndarray
    exemplars: np.ndarray
    labels: np.ndarray


class SplitError(ValueError):
    """The dataset or the labels cannot be split as the config asks."""


def pools(config: RunConfig, dataset: Dataset) -> dict[Evaluator, Pool]:
    """The pool of each evaluator; training draws from that of `train`. Paper sections 2.2-2.5.

    Training classes are the first of the dataset, new classes the last; new exemplars are those
    that follow the training ones.
    """
    task = config.task
    available, exemplars = dataset.features.shape[:2]
    if task.classes + task.new_classes > available:
        raise SplitError(
            f"the dataset has {available} classes; {task.classes} training and "
            f"{task.new_classes} new ones are {task.classes + task.new_classes}"
        )
    if task.exemplars >= exemplars:
        raise SplitError(
            f"the dataset has {exemplars} exemplars per class; with {task.exemplars} in training "
            f"none is left to test new exemplars"
        )
    known, held_out = label_combinations(config)
    train = training_pool(config)
    classes, drawn, others = train.classes, train.exemplars, np.arange(task.exemplars, exemplars)
    return {
        Evaluator.TRAIN: train,
        Evaluator.NEW_LABEL_PAIRS: Pool(classes, drawn, held_out),
        Evaluator.NEW_EXEMPLARS: Pool(classes, others, known),
        Evaluator.NEW_CLASSES: Pool(
            np.arange(available - task.new_classes, available), drawn, known
        ),
    }


def training_pool(config: RunConfig) -> Pool:
    """What training draws from: the first classes, their first exemplars, label pairs not held out.
    Raises SplitError."""
    known, _ = label_combinations(config)
    return Pool(np.arange(config.task.classes), np.arange(config.task.exemplars), known)


def label_combinations(config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """Unordered label combinations for training, and those held out: two [n, context labels].

    All are permuted by the label-pair seed and the first `held_out` share is held out (of the
    paper's ten pairs of five labels, two), or those of `held_out_pairs` if there are any. Raises
    SplitError if a label never occurs in training.
    """
    task = config.task
    every = np.array(list(combinations(range(task.labels), task.context_labels)))
    held_out, known = _by_hand(task, every) if task.held_out_pairs else _by_share(config, every)
    if len(np.unique(known)) < task.labels:
        missing = sorted(set(range(task.labels)) - set(known.flatten().tolist()))
        raise SplitError(
            f"holding out {len(held_out)} of the {len(every)} label pairs leaves labels {missing} "
            f"out of training; hold out less or choose others"
        )
    return known, held_out


def _by_hand(task: TaskConfig, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chosen = {frozenset(labels) for labels in task.held_out_pairs}
    is_held_out = np.array([frozenset(labels.tolist()) in chosen for labels in every])
    return every[is_held_out], every[~is_held_out]


def _by_share(config: RunConfig, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = generator(config.seeds.label_pairs, Stream.LABEL_PAIRS).permutation(len(every))
    count = min(max(round(config.task.held_out * len(every)), 1), len(every) - 1)
    return every[order[:count]], every[order[count:]]
