"""All sequences of a task, or a stated sample of them where they are too many. Paper section 2.6.

What a sequence is made of: which class of its context is asked for, how its classes take turns
(one way, unless classes are repeated), their labels, the classes themselves and an exemplar for
each token. In the paper's task that is 2 x 1 x 16 x 2,450 x 1 = 78,400, in this order: the first
item is asked for in the first half; label pairs as they were split, then the same reversed; ordered
pairs of classes, row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import factorial, perm, prod

import numpy as np

from app.schemas.config import RunConfig, TaskConfig
from worker.science.data.sampler import Draw, draw
from worker.science.data.seeding import Stream, generator
from worker.science.data.splits import Pool

MOST = 2_000_000  # sequences; the paper's largest task, of 200 classes, has 1,273,600
SAMPLE = 200_000


@dataclass(frozen=True)
class SequenceSet:
    """Sequences in a fixed order. `population`: how many the task has; a sample is drawn as
    training draws, with noise and repetitions as chance has it, and has a standard error."""

    drawn: Draw
    population: int

    def __len__(self) -> int:
        return len(self.drawn.target)

    @property
    def is_sample(self) -> bool:
        return len(self) < self.population


def sequences_of(config: RunConfig, pool: Pool, most: int = MOST) -> SequenceSet:
    """Every sequence that can be made from a pool, each once; above `most` a sample of them.

    Exemplars are without noise. Where classes are drawn by Zipf's law each sequence still counts
    once.
    """
    population = prod(_sizes(config.task, pool))
    if population > most:
        rng = generator(config.seeds.evaluation, Stream.EXHAUSTIVE)
        return SequenceSet(draw(config.task, pool, min(SAMPLE, most), rng), population)
    return SequenceSet(_every(config.task, pool), population)


def _sizes(task: TaskConfig, pool: Pool) -> tuple[int, ...]:
    """How many ways there are for each of what a sequence is made of."""
    distinct, often = task.context_labels, task.burstiness
    turns = factorial(distinct * often) // factorial(often) ** distinct // factorial(distinct)
    return (
        distinct,
        turns,
        factorial(distinct) * len(pool.labels),
        perm(len(pool.classes), distinct),
        len(pool.exemplars) ** (task.context_pairs + 1),
    )


def _every(task: TaskConfig, pool: Pool) -> Draw:
    distinct, sizes = task.context_labels, _sizes(task, pool)
    asked, turn, label, chosen, exemplar = np.unravel_index(np.arange(prod(sizes)), sizes)
    slots = np.array(list(_turns(distinct, task.burstiness)))[turn].T  # [P, n]: which of the D
    labels = np.concatenate([pool.labels[:, list(p)] for p in permutations(range(distinct))])
    classes = pool.classes[np.array(list(permutations(range(len(pool.classes)), distinct)))]
    every = np.arange(len(asked))
    stands = np.concatenate([slots, asked[None]])  # [P + 1, n]
    digits = np.unravel_index(exemplar, (len(pool.exemplars),) * len(stands))
    return Draw(
        classes=classes[chosen][every, stands],
        exemplars=pool.exemplars[np.stack(digits)],
        labels=labels[label][every, slots],
        target=labels[label][every, asked],
    )


def _turns(distinct: int, often: int) -> Iterator[tuple[int, ...]]:
    """The ways in which classes take turns, each numbered as it first comes: 0 0 1 1, 0 1 0 1,
    0 1 1 0 for two that come twice."""

    def continued(turn: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(turn) == distinct * often:
            yield turn
        for one in range(min(len(set(turn)) + 1, distinct)):
            if turn.count(one) < often:
                yield from continued((*turn, one))

    return continued(())
