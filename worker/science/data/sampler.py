"""Sequences: drawn in blocks, each a pure function of (seed, block).

A sequence's context holds `context_labels` classes, each `burstiness` times, in random order; its
query is one more exemplar of the first class drawn. The classes get the labels of one combination
of their pool, in random order. Source: paper section 2.3.
"""

from dataclasses import dataclass

import numpy as np

from app.schemas.config import RunConfig, TaskConfig
from app.schemas.measure import EVALUATORS, Evaluator
from worker.science.data.seeding import Stream, generator
from worker.science.data.splits import Pool

# Part of what a run's data are: with another number every seed gives other sequences, and a
# resumed run would go on with those of another training.
BLOCK = 256  # updates drawn at once


@dataclass(frozen=True)
class Draw:
    """Sequences. classes, exemplars [P + 1, n] (query last), labels [P, n], target [n]."""

    classes: np.ndarray
    exemplars: np.ndarray
    labels: np.ndarray
    target: np.ndarray


def training_block(config: RunConfig, pool: Pool, block: int) -> Draw:
    """Updates `block * BLOCK` and the BLOCK - 1 after it, `batch_size` sequences each, in order."""
    # Of the seed and the block alone, never of what was drawn before: a run that is resumed,
    # forked or trained beside others sees the same sequences.
    rng = generator(config.seeds.data, Stream.TRAINING, block)
    return draw(config.task, pool, BLOCK * config.training.batch_size, rng)


def evaluation_draw(config: RunConfig, evaluator: Evaluator, pool: Pool) -> Draw:
    """The fixed sequences of an evaluator."""
    rng = generator(config.seeds.evaluation, Stream.EVALUATION, EVALUATORS.index(evaluator))
    return draw(config.task, pool, config.recording.evaluation_sequences, rng)


def training_noise(config: RunConfig, update: int, features: int) -> np.ndarray:
    """Noise for the exemplars of one update, float32 [(P + 1) * batch_size, features]."""
    rng = generator(config.seeds.data, Stream.NOISE, update)
    rows = (config.task.context_pairs + 1) * config.training.batch_size
    noise = rng.standard_normal((rows, features), dtype=np.float32)
    return noise * np.float32(config.task.input_noise)


def draw(task: TaskConfig, pool: Pool, count: int, rng: np.random.Generator) -> Draw:
    """`count` sequences from a pool."""
    # The order of the calls to `rng` below is part of the result: moved, every run would change.
    distinct = _distinct_classes(task, len(pool.classes), count, rng)  # [n, D], query class first
    combination = pool.labels[rng.integers(len(pool.labels), size=count)]
    labels = rng.permuted(combination, axis=1)  # [n, D]
    slots = np.tile(np.arange(task.context_labels), (count, task.burstiness))
    slots = rng.permuted(slots, axis=1)  # [n, P]: which of the D stands where
    context = np.take_along_axis(distinct, slots, axis=1)
    classes = pool.classes[np.column_stack([context, distinct[:, 0]])]
    exemplars = pool.exemplars[rng.integers(len(pool.exemplars), size=classes.shape)]
    return Draw(
        classes=np.ascontiguousarray(classes.T),
        exemplars=np.ascontiguousarray(exemplars.T),
        labels=np.ascontiguousarray(np.take_along_axis(labels, slots, axis=1).T),
        target=np.ascontiguousarray(labels[:, 0]),
    )


def _distinct_classes(
    task: TaskConfig, classes: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """[n, D] class numbers without repetition in a row, each drawn from those still left.

    Class k weighs (k + 1) ** -zipf_exponent. What repeats an earlier column is drawn again, which
    is exactly drawing from the others.
    """
    weight = np.arange(1, classes + 1, dtype=np.float64) ** -task.zipf_exponent
    edges = np.cumsum(weight) / weight.sum()
    chosen = np.empty((count, task.context_labels), dtype=np.int64)
    for column in range(task.context_labels):
        todo = np.arange(count)
        while len(todo):
            # How many numbers this takes depends on what repeats; so a block is drawn as a whole,
            # and none of its sequences by itself.
            picks = np.searchsorted(edges, rng.random(len(todo)), side="right")
            chosen[todo, column] = np.minimum(picks, classes - 1)
            repeated = (chosen[todo, :column] == chosen[todo, column, None]).any(axis=1)
            todo = todo[repeated]
    return chosen
