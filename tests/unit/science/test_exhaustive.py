"""All sequences of a task: which there are, in which order, and when they are too many."""

from itertools import permutations, product

import numpy as np
import pytest

from app.schemas.config import RunConfig, TaskConfig
from worker.science.data.exhaustive import SequenceSet, sequences_of
from worker.science.data.splits import training_pool


def every(**task: object) -> tuple[RunConfig, SequenceSet]:
    config = RunConfig(task=TaskConfig.model_validate(task))
    return config, sequences_of(config, training_pool(config))


def written(found: SequenceSet) -> list[tuple]:
    """Each sequence as classes and exemplars of its items and query, labels, and the answer."""
    drawn = found.drawn
    parts = (drawn.classes.T, drawn.exemplars.T, drawn.labels.T, drawn.target)
    return [
        (*map(tuple, rest), int(target))
        for *rest, target in zip(*(part.tolist() for part in parts), strict=True)
    ]


def test_the_papers_task_has_78_400_in_the_papers_order():
    config, found = every(held_out_pairs=[(0, 2), (1, 3)])
    drawn, pairs = found.drawn, training_pool(config).labels

    assert (len(found), found.population, found.is_sample) == (78_400, 78_400, False)
    assert (drawn.classes[2, :39_200] == drawn.classes[0, :39_200]).all()
    assert (drawn.classes[2, 39_200:] == drawn.classes[1, 39_200:]).all()
    assert drawn.labels[:, 0].tolist() == pairs[0].tolist()
    assert drawn.labels[:, 8 * 2450].tolist() == pairs[0, ::-1].tolist()
    assert drawn.classes[:2, :3].T.tolist() == [[0, 1], [0, 2], [0, 3]]
    # Paper section 2.4: label 4 is asked for more often than the others.
    assert np.bincount(drawn.target).tolist() == [14_700] * 4 + [19_600]


@pytest.mark.parametrize(
    ("task", "count"),
    [
        ({"classes": 100}, 316_800),
        ({"classes": 200}, 1_273_600),
        ({"labels": 10}, 352_800),
        ({"labels": 15}, 823_200),
    ],
    ids=str,
)
def test_sizes_of_the_papers_other_tasks(task, count):
    assert len(every(**task)[1]) == count


@pytest.mark.parametrize(
    "task",
    [
        {"classes": 4, "context_pairs": 3},
        {"classes": 3, "exemplars": 2},
        {"classes": 3, "context_pairs": 4, "burstiness": 2},
    ],
    ids=str,
)
def test_every_sequence_that_can_be_is_there_once(task):
    config, found = every(new_classes=5, **task)
    pool, drawn = training_pool(config), config.task
    possible = {
        (
            (*(classes[slot] for slot in slots), classes[asked]),
            exemplars,
            tuple(labels[slot] for slot in slots),
            int(labels[asked]),
        )
        for classes in permutations(range(drawn.classes), drawn.context_labels)
        for combination in pool.labels.tolist()
        for labels in permutations(combination)
        for slots in set(permutations([*range(drawn.context_labels)] * drawn.burstiness))
        for asked in range(drawn.context_labels)
        for exemplars in product(range(drawn.exemplars), repeat=drawn.context_pairs + 1)
    }

    assert len(found) == len(possible)
    assert set(written(found)) == possible


def test_what_are_too_many_are_sampled_and_say_so():
    config = RunConfig(task=TaskConfig(classes=50, context_pairs=3))
    pool = training_pool(config)
    found = sequences_of(config, pool)

    assert found.is_sample
    assert (len(found), found.population) == (200_000, 3 * len(pool.labels) * 6 * 50 * 49 * 48)
    again = sequences_of(config, pool)
    assert (again.drawn.classes == found.drawn.classes).all()
    smaller = sequences_of(config, pool, most=100)
    assert (len(smaller), smaller.is_sample) == (100, True)
