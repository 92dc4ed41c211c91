"""What runs on a graphics processor: stacks of runs, captured updates, one device throughout.

There is none where tests run: captured updates are called instead of replayed, and tensors without
numbers, on torch's meta device, tell whether anything was left behind on the processor.
"""

from dataclasses import replace

import pytest
import torch
from torch.utils._pytree import tree_leaves

from app.schemas.clamps.kinds import Ablate, InductionPattern, MeanAblate, PerfectCopy, Preserve
from app.schemas.clamps.site import Site
from app.schemas.config import RecordingConfig, RunConfig, SeedConfig, TaskConfig, TrainingConfig
from tests.unit.science.support import small
from worker.science.data.sampler import BLOCK
from worker.science.machine.devices import choose_device
from worker.science.training.cohort import Cohort
from worker.science.training.loop import Report

RUNS, UPDATES = 8, 200
EQUAL = 1e-4  # relative: sums of stacked products may be taken in another order


def configs(count: int = 3, updates: int = 16, every: int = 64, **task: float) -> list[RunConfig]:
    return [
        small.config(
            training=TrainingConfig(
                sequences=16 * updates, batch_size=16, learning_rate=2e-4 * (number + 1)
            ),
            task=TaskConfig(dataset="gaussian", classes=10, new_classes=5, **task),
            seeds=SeedConfig(initial=10 + number, data=number + 3),
            recording=RecordingConfig(
                evaluate_every=every,
                frame_every=every,
                checkpoint_every=every,
                evaluation_sequences=40,
            ),
        )
        for number in range(count)
    ]


def stacked(of: list[RunConfig], **options: object) -> Cohort:
    return Cohort(of, [small.dataset(of[0])] * len(of), compile=False, stacked=True, **options)


def losses(of: Cohort) -> dict[int, list[tuple[float, ...]]]:
    found: dict[int, list[tuple[float, ...]]] = {}
    for reports in of.reports():
        for report in reports:
            found.setdefault(report.run, []).append(tuple(report.measurement.loss))
    return found


def alone(config: RunConfig) -> list[tuple[float, ...]]:
    return [tuple(report.measurement.loss) for (report,) in small.train(config)]


@pytest.mark.slow
def test_eight_stacked_runs_have_the_losses_that_each_has_alone() -> None:
    of = configs(RUNS, UPDATES, every=40 * 16)
    together = losses(stacked(of))

    for run in (0, 3, 7):
        config = of[run]
        for ours, theirs in zip(together[run], alone(config), strict=True):
            assert ours == pytest.approx(theirs, rel=EQUAL)


def test_who_leaves_a_stack_reports_no_more_and_disturbs_nobody() -> None:
    cohort, found = stacked(configs()), []
    for reports in cohort.reports():
        for report in reports:
            found.append(report)
            if report.run == 1 and report.measurement.sequences == 64:
                cohort.leave(1)

    assert [one.measurement.sequences for one in found if one.run == 1] == [0, 64]
    whole = losses(stacked(configs()))
    assert [tuple(one.measurement.loss) for one in found if one.run == 2] == whole[2]


def test_a_stack_that_all_have_left_makes_no_more_updates() -> None:
    cohort = stacked(configs(2, 16))
    for reports in cohort.reports():
        for report in reports:
            cohort.leave(report.run)

    assert [cohort.sequences_of(run) for run in (0, 1)] == [0, 0]


def test_runs_that_start_at_different_places_are_stacks_of_their_own() -> None:
    cohort, states = stacked(configs()), {}
    for reports in cohort.reports():
        for report in reports:
            if report.measurement.sequences == (128 if report.run == 1 else 64):
                states[report.run] = cohort.state(report.run)
    resumed = stacked(configs(), resume=[states[run] for run in range(3)])

    assert resumed.stacks == [(0, 2), (1,)]
    whole, rest = losses(stacked(configs())), losses(resumed)
    for ours, theirs in zip(rest[1], whole[1][3:], strict=True):
        assert ours == pytest.approx(theirs, rel=EQUAL)
    for ours, theirs in zip(rest[0], whole[0][2:], strict=True):
        assert ours == pytest.approx(theirs, rel=EQUAL)


def test_runs_of_other_classes_or_schedules_train_together_as_if_alone() -> None:
    first, second, third = configs()
    large = second.task.model_copy(update={"classes": 17, "new_classes": 9})
    second = second.model_copy(update={"task": large})
    longer = third.training.model_copy(update={"sequences": 384})
    third = third.model_copy(update={"training": longer})
    of = [first, second, third]
    cohort = Cohort(of, [small.dataset(one) for one in of], compile=False, stacked=True)

    assert cohort.stacks == [(0, 1), (2,)]
    together = losses(cohort)
    for run, config in enumerate(of):
        for ours, theirs in zip(together[run], alone(config), strict=True):
            assert ours == pytest.approx(theirs, rel=EQUAL)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_captured_updates_are_the_same_updates(noise: float) -> None:
    (of,) = configs(1, BLOCK + 10, every=16 * 8, input_noise=noise)
    near_the_end = replace(small.trainer(of).state(0), sequences=16 * (BLOCK - 10))

    def report(capture: bool) -> list[tuple[Report, ...]]:
        return small.train(of, capture=capture, resume=[near_the_end])

    for (plain,), (captured,) in zip(report(False), report(True), strict=True):
        assert plain.measurement.loss == captured.measurement.loss


def test_captured_updates_go_on_from_the_middle_of_a_block() -> None:
    (of,) = configs(1, 40)
    whole = small.trainer(of, capture=True)
    for reports in whole.reports():
        if reports[0].measurement.sequences == 128:
            state = whole.state(0)
    rest = small.trainer(of, capture=True, resume=[state])

    seen = [one.measurement.loss for (one,) in rest.reports()]
    assert seen == [one.measurement.loss for (one,) in small.train(of)][3:]


@pytest.mark.parametrize(
    "program",
    [
        (),
        (Ablate(site=Site.parse("L1H1.v")), MeanAblate(site=Site.parse("L0H0.z"))),
        (InductionPattern(site=Site.parse("L1H0.pattern[query]"), from_sequences=5),),
        (PerfectCopy(site=Site.parse("L1H0.score[query]")),),
        (Ablate(site=Site.parse("L0H0.v")), Preserve(site=Site.parse("L1.pattern"))),
    ],
)
def test_nothing_is_left_behind_on_the_processor(program: tuple) -> None:
    elsewhere = torch.device("meta")
    for capture in (False, True):
        trainer = small.trainer(small.config(program), device=elsewhere, capture=capture)
        trainer.train(2)
        seen = [trainer._evaluate(*evaluated) for evaluated in trainer._evaluated()]

        assert {part.device for part in tree_leaves((trainer.batch_loss, seen))} == {elsewhere}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("gpu", "write auto, cpu, cuda"), ("cuda:x", "no device"), ("cuda:99", "cannot be had")],
)
def test_a_device_that_cannot_be_had_is_refused_by_name(wanted: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"{wanted}.*{said}"):
        choose_device(wanted)
    assert choose_device("cpu") == torch.device("cpu")
