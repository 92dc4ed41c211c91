"""What one model does under one program: numbers over all sequences, and what each sequence gave.

Of a sample the numbers are estimates with a standard error; over all sequences of a task they are
exact, and have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from app.schemas.measure import METRICS
from worker.science.data.exhaustive import SequenceSet


@dataclass(frozen=True)
class Mean:
    """Means over n sequences, of any shape, and their standard errors (0 where they are exact)."""

    value: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class Inspected:
    """loss (nats), right and right among the labels of the context, each [n]; the other metrics as
    means by name; induction strength [layer, head], previous-token attention [layer, head, T - 1]
    of tokens 1, 2 ... to the one before."""

    model: int  # its place among the models
    program: int  # its place among the programs
    sequences: SequenceSet
    loss: np.ndarray
    right: np.ndarray
    right_in_context: np.ndarray
    metrics: Mapping[str, Mean]
    induction_strength: Mean
    previous_token_attention: Mean

    @property
    def mistakes(self) -> int:
        """Sequences whose most probable label is not the right one."""
        return int((~self.right).sum())

    def recovered(self, by: "Inspected") -> float:
        """Share of these mistakes that another one does not make. Paper section 4."""
        wrong = ~self.right
        return float(by.right[wrong].mean()) if wrong.any() else float("nan")

    def by(self, groups: np.ndarray) -> dict[int, dict[str, float]]:
        """n, loss and accuracy of each group; `groups` [n] of numbers from 0, see `Groups`."""
        count = np.bincount(groups)
        loss = np.bincount(groups, self.loss.astype(np.float64))
        right = np.bincount(groups, self.right)
        return {
            int(one): {
                "sequences": int(count[one]),
                "loss": float(loss[one] / count[one]),
                "accuracy": float(right[one] / count[one]),
            }
            for one in np.flatnonzero(count)
        }


@dataclass(frozen=True)
class Groups:
    """Which group each sequence is of: by its query's class, by its label, and by the first place
    of that in the context."""

    query_class: np.ndarray
    label: np.ndarray
    position: np.ndarray

    @classmethod
    def of(cls, sequences: SequenceSet) -> "Groups":
        drawn = sequences.drawn
        return cls(drawn.classes[-1], drawn.target, (drawn.labels == drawn.target).argmax(0))


def mean_of(sums: np.ndarray, count: int, *, is_sample: bool) -> Mean:
    """Of sums, and of squares, over so many sequences: [..., 2]."""
    value, squares = sums[..., 0] / count, sums[..., 1] / count
    spread = np.sqrt(np.maximum(squares - np.square(value), 0))
    return Mean(value, spread / sqrt(count) if is_sample else np.zeros_like(value))


def by_name(means: Mean) -> dict[str, Mean]:
    """Means of all metrics, each by its name."""
    return {
        metric: Mean(value, error)
        for metric, value, error in zip(METRICS, means.value, means.error, strict=True)
    }
