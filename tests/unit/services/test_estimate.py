"""What a dry run promises is what the science does."""

import pytest

from app.schemas.config import RecordingConfig, RunConfig
from app.schemas.measure import EVALUATORS, METRICS
from app.services.costs.estimates import FEATURES, parameters, reports
from app.services.series.names import series_of
from tests.unit.services.configs import CONFIGS
from worker.science.parameters import Shape
from worker.science.training.loop import is_due


def test_parameters_are_those_of_the_model():
    for config in CONFIGS:
        shape = Shape(config.model, FEATURES, config.task.labels, config.task.context_pairs)
        assert parameters(config) == shape.count


@pytest.mark.parametrize("every", [1, 31, 32, 33, 1000, 5000, 10**7])
def test_reports_are_counted_as_the_loop_makes_them(every):
    recording = RecordingConfig(evaluate_every=every, frame_every=every, checkpoint_every=every)
    for config in CONFIGS:
        config = config.model_copy(update={"recording": recording})
        updates = range(config.training.updates + 1)
        made = sum(is_due(config, update, "evaluate_every") for update in updates)
        assert reports(config, every) == made, config.training


@pytest.mark.parametrize("every", [1, 33, 100, 5000])
def test_reports_of_a_fork_are_counted_from_where_it_starts(every):
    recording = RecordingConfig(evaluate_every=every, frame_every=every, checkpoint_every=every)
    for config in CONFIGS:
        config = config.model_copy(update={"recording": recording})
        last = config.training.updates
        for start in (0, 1, last // 2, last - 1):
            after = sum(
                is_due(config, update, "evaluate_every") for update in range(start + 1, last + 1)
            )
            since = start * config.training.batch_size
            assert reports(config, every, since) == 1 + after, (config.training, start)


def test_every_measure_of_every_head_is_a_series():
    for config in CONFIGS:
        names = [series.name for series in series_of(config)]

        heads = config.model.layers * config.model.heads
        assert len(names) == len(set(names)) == len(METRICS) * len(EVALUATORS) + 2 * heads


def test_losses_carry_their_unit_in_tables():
    titles = {series.name: series.title for series in series_of(RunConfig())}

    assert titles["loss.train"] == "loss.train_nats"
    assert titles["accuracy.train"] == "accuracy.train"
    assert titles["induction_strength.L1H3"] == "induction_strength.L1H3"
