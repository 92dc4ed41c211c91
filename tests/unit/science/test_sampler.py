"""What sequences look like: exact facts on fixed seeds."""

import numpy as np
import pytest

from app.schemas.config import SeedConfig, TaskConfig
from app.schemas.measure import EVALUATORS, Evaluator
from tests.unit.science.support import small
from worker.science.data.sampler import Draw, evaluation_draw, training_block
from worker.science.data.splits import SplitError, label_combinations, pools


def drawn(evaluator: Evaluator, **task) -> tuple[Draw, object]:
    config = small.config(task=TaskConfig(dataset="gaussian", classes=10, new_classes=5, **task))
    pool = pools(config, small.dataset(config))[evaluator]
    recording = config.recording.model_copy(update={"evaluation_sequences": 2000})
    return evaluation_draw(
        config.model_copy(update={"recording": recording}), evaluator, pool
    ), pool


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_the_query_is_of_one_class_of_the_context_and_wants_its_label(evaluator: Evaluator) -> None:
    draw, _ = drawn(evaluator)

    matches = draw.classes[:2] == draw.classes[2]

    assert (matches.sum(0) == 1).all()
    assert (np.where(matches, draw.labels, 0).sum(0) == draw.target).all()
    assert (draw.labels[0] != draw.labels[1]).all()


def test_the_match_stands_first_or_second_equally_often() -> None:
    draw, _ = drawn(Evaluator.TRAIN)

    first = (draw.classes[0] == draw.classes[2]).mean()

    assert 0.46 < first < 0.54


def test_evaluators_draw_from_what_their_names_say() -> None:
    seen = {name: drawn(name)[0] for name in EVALUATORS}

    assert set(seen[Evaluator.TRAIN].classes.flat) == set(range(10))
    assert set(seen[Evaluator.NEW_CLASSES].classes.flat) == set(range(10, 15))
    assert set(seen[Evaluator.TRAIN].exemplars.flat) == {0}
    assert set(seen[Evaluator.NEW_EXEMPLARS].exemplars.flat) == {1, 2, 3, 4}
    pairs = {
        name: {frozenset(pair) for pair in draw.labels.T.tolist()} for name, draw in seen.items()
    }
    assert len(pairs[Evaluator.TRAIN]) == 8
    assert len(pairs[Evaluator.NEW_LABEL_PAIRS]) == 2
    assert not pairs[Evaluator.TRAIN] & pairs[Evaluator.NEW_LABEL_PAIRS]


@pytest.mark.parametrize(("labels", "known", "held_out"), [(5, 8, 2), (10, 36, 9), (15, 84, 21)])
def test_label_pairs_are_split_as_in_the_paper(labels: int, known: int, held_out: int) -> None:
    config = small.config(task=TaskConfig(labels=labels))

    sizes = tuple(map(len, label_combinations(config)))

    assert sizes == (known, held_out)


def test_a_split_that_loses_a_label_is_refused() -> None:
    config = small.config(task=TaskConfig(held_out=0.9))

    with pytest.raises(SplitError, match="hold out less"):
        label_combinations(config)


def test_bursts_repeat_each_class_with_its_label() -> None:
    draw, _ = drawn(Evaluator.TRAIN, context_pairs=6, burstiness=3)

    for classes, labels in zip(draw.classes[:6].T, draw.labels.T, strict=True):
        assert sorted(np.unique(classes, return_counts=True)[1]) == [3, 3]
        assert len(set(zip(classes, labels, strict=True))) == 2


def test_zipf_makes_the_first_class_as_frequent_as_its_weight() -> None:
    draw, _ = drawn(Evaluator.TRAIN, zipf_exponent=1.0)

    share = (draw.classes[-1] == 0).mean()

    assert share == pytest.approx(1 / sum(1 / k for k in range(1, 11)), abs=0.03)


def test_training_is_a_pure_function_of_seed_and_block() -> None:
    config = small.config()
    pool = pools(config, small.dataset(config))[Evaluator.TRAIN]
    other = small.config(seeds=SeedConfig(data=1))

    again, same = training_block(config, pool, 3), training_block(config, pool, 3)

    assert (again.classes == same.classes).all()
    assert (again.labels == same.labels).all()
    assert (again.classes != training_block(config, pool, 4).classes).any()
    assert (again.classes != training_block(other, pool, 3).classes).any()


def test_too_few_classes_say_what_is_missing() -> None:
    config = small.config()
    wanted = config.model_copy(update={"task": config.task.model_copy(update={"classes": 11})})

    with pytest.raises(SplitError, match="has 15 classes; 11 training and 5 new ones are 16"):
        pools(wanted, small.dataset(config))
