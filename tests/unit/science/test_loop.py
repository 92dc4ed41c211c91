"""The training loop: cadence, exact resume, cohorts, stopping."""

from dataclasses import replace

import pytest
import torch

from app.schemas.clamps.kinds import Ablate
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig, SeedConfig, TaskConfig, TrainingConfig
from tests.unit.science.support import small
from worker.science.training import loop
from worker.science.training.loop import Report, TrainerState, is_due


def without_time(report: Report) -> dict:
    return report.measurement.model_dump(exclude={"elapsed_seconds"})


def test_reports_come_at_the_first_update_past_each_multiple_and_at_the_end() -> None:
    config = small.config(training=TrainingConfig(sequences=100, batch_size=24))

    due = [
        24 * u for u in range(config.training.updates + 1) if is_due(config, u, "evaluate_every")
    ]

    assert due == [0, 72, 120]  # 64 -> 72; 100 sequences are five whole batches


def test_the_papers_cadence_lands_where_the_papers_log_does() -> None:
    config = small.config().model_copy(update={"training": TrainingConfig()})
    recording = config.recording.model_copy(update={"evaluate_every": 5000})
    config = config.model_copy(update={"recording": recording})

    due = [32 * u for u in range(0, 700) if is_due(config, u, "evaluate_every")]

    assert due == [0, 5024, 10016, 15008, 20000]


def test_frames_and_checkpoints_come_with_their_measurements() -> None:
    reports = [report for (report,) in small.train(small.config())]

    frames = [r.measurement.sequences for r in reports if r.patterns is not None]
    checkpoints = [r.measurement.sequences for r in reports if r.weights is not None]

    assert [r.measurement.sequences for r in reports] == [0, 64, 128, 192, 256]
    assert frames == checkpoints == [0, 128, 256]
    assert reports[0].patterns.shape == (2, 2, 8, 5, 5)
    torch.testing.assert_close(
        torch.from_numpy(reports[0].patterns).sum(-1), torch.ones(2, 2, 8, 5)
    )


def test_a_resumed_training_repeats_the_uninterrupted_one_bit_for_bit() -> None:
    config = small.config()
    whole = [without_time(report) for (report,) in small.train(config)]

    first, state = small.trainer(config), None
    before = []
    for (report,) in first.reports():
        before.append(without_time(report))
        if report.measurement.sequences == 128:
            state = first.state(0)
            break
    second = small.trainer(config, resume=[state])
    after = [without_time(report) for (report,) in second.reports()]

    assert before + after == whole


def test_a_stop_between_reports_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH", 0)  # asks before every update
    config = small.config()
    whole = [without_time(report) for (report,) in small.train(config)]
    asked = iter(range(1000))

    first = small.trainer(config, should_stop=lambda: next(asked) == 6)
    before = [without_time(report) for (report,) in first.reports()]
    assert (first.stopped, first.sequences) == (True, 96)
    second = small.trainer(config, resume=[first.state(0)])

    assert before + [without_time(report) for (report,) in second.reports()] == whole


def test_a_training_is_seen_to_begin_before_its_programs_are_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = small.config()
    plain, trainer = small.trainer(config), small.trainer(config)
    trainer.programs.evaluate._call = lambda *_: pytest.fail("compiles for the first report")

    (first,) = trainer.first_report()

    assert without_time(first) == without_time(next(plain.reports())[0])
    assert next(trainer.reports()) == (first,)

    monkeypatch.setattr(loop, "AT_ONCE", 1)
    assert not small.trainer(config).begins_at_once  # what is large waits, whoever trains it
    state = replace(plain.state(0), sequences=64)
    monkeypatch.undo()
    assert not small.trainer(config, resume=[state]).begins_at_once


def test_a_run_does_not_depend_on_its_companions() -> None:
    configs = [
        small.config((Ablate(site=Site.parse("L1H0.v")),), seeds=SeedConfig(initial=1)),
        small.config((Ablate(site=Site.parse("L1H1.v")),), seeds=SeedConfig(data=7)),
    ]

    together = small.train(*configs)
    alone = [small.train(config) for config in configs]

    for run in range(2):
        ours = torch.tensor([reports[run].measurement.loss for reports in together])
        theirs = torch.tensor([reports[0].measurement.loss for reports in alone[run]])
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=0)


def test_runs_that_cannot_share_a_program_are_refused() -> None:
    configs = [small.config(), small.config((Ablate(site=Site.parse("L1H0.v")),))]

    with pytest.raises(ValueError, match="same clamped points"):
        small.trainer(*configs)


@pytest.mark.parametrize(
    "task",
    [
        TaskConfig(dataset="gaussian", classes=10, new_classes=5, context_pairs=3),
        TaskConfig(dataset="gaussian", classes=10, new_classes=5, context_pairs=4, burstiness=2),
        TaskConfig(dataset="gaussian", classes=10, new_classes=5, zipf_exponent=1.0),
        TaskConfig(dataset="gaussian", classes=10, new_classes=5, input_noise=0.1),
        TaskConfig(dataset="gaussian", classes=80, new_classes=5, exemplars=2),
    ],
)
def test_every_task_trains(task: TaskConfig) -> None:
    reports = [report for (report,) in small.train(small.config(task=task))]

    losses = torch.tensor([report.measurement.loss for report in reports])

    assert losses.isfinite().all()
    assert losses[-1, 0] < losses[0, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"positions": "learned"},
        {"positions": "sinusoidal"},
        {"mlp_ratio": 2.0},
        {"layers": 3},
        {"attn_bias": False},
    ],
)
def test_every_model_trains(change: dict) -> None:
    model = small.config().model.model_copy(update=change)
    reports = [report for (report,) in small.train(small.config(model=model))]

    assert reports[-1].measurement.loss[0] < reports[0].measurement.loss[0]


def test_an_overflowing_training_reports_what_it_is() -> None:
    training = TrainingConfig(sequences=64, batch_size=16, learning_rate=1.0)
    config = small.config(training=training)
    weights = {n: w * 1e38 for n, w in small.trainer(config).weights(0).items()}

    reports = small.train(config, initial=[weights])

    assert not torch.tensor(reports[-1][0].measurement.loss).isfinite().all()


def test_initial_weights_of_another_shape_are_refused_by_name() -> None:
    weights = small.trainer(small.config()).weights(0)
    weights["unembed.bias"] = torch.zeros(7)

    with pytest.raises(ValueError, match=r"unembed.bias has shape \[7\], the model needs \[5\]"):
        small.trainer(small.config(), initial=[weights])


def fork_of(state: TrainerState, **reset: int) -> TrainerState:
    """The state as a fork starts from it; `optimiser_from` resets the optimiser."""
    zeros = {name: torch.zeros_like(state.tensors[name]) for name in ("mean", "second")}
    return replace(state, is_fork=True, tensors=state.tensors | (zeros if reset else {}), **reset)


def state_at(config: RunConfig, sequences: int) -> TrainerState:
    trainer = small.trainer(config)
    for (report,) in trainer.reports():
        if report.measurement.sequences == sequences:
            break
    return trainer.state(0)


def test_an_unchanged_fork_reports_where_it_starts_and_repeats_its_parent() -> None:
    config = small.config()
    whole = [without_time(report) for (report,) in small.train(config)]

    (first, *rest) = small.train(config, resume=[fork_of(state_at(config, 192))])

    assert [without_time(report) for (report,) in (first, *rest)] == whole[3:]
    assert first[0].patterns is not None  # though no frame or checkpoint is due at 192
    assert first[0].weights is not None


def test_a_reset_optimiser_counts_its_updates_from_the_fork() -> None:
    config = small.config()
    state = fork_of(state_at(config, 128), optimiser_from=128)
    before = state.tensors["parameters"]

    trainer = small.trainer(config, resume=[state])
    reports = trainer.reports()
    next(reports)
    asked = iter(range(9))
    trainer.should_stop = lambda: next(asked) == 1
    assert next(reports, None) is None

    step = (trainer.state(0).tensors["parameters"] - before).abs()
    moved = step[trainer.state(0).tensors["mean"] != 0]
    rate = torch.tensor(config.training.learning_rate)
    # Adam's first step from moments of 0 is the learning rate, whatever the gradient.
    torch.testing.assert_close(moved.median(), rate, rtol=1e-2, atol=0)
    assert trainer.state(0).optimiser_from == 128


def test_a_fork_with_a_reset_optimiser_resumes_bit_for_bit() -> None:
    config = small.config()
    start = fork_of(state_at(config, 128), optimiser_from=128)
    whole = [without_time(report) for (report,) in small.train(config, resume=[start])]

    first = small.trainer(config, resume=[start])
    reports = first.reports()
    before = [without_time(next(reports)[0]) for _ in range(2)]
    second = small.trainer(config, resume=[first.state(0)])
    after = [without_time(report) for (report,) in second.reports()]

    assert before + after == whole
