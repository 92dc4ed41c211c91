"""A cohort: runs trained in turns, each as if it were alone."""

from dataclasses import replace

import pytest

from app.schemas.clamps.kinds import Ablate
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig, SeedConfig, TaskConfig, TrainingConfig
from tests.unit.science.support import small
from worker.science.training import loop
from worker.science.training.cohort import Cohort
from worker.science.training.loop import Report, TrainerState

RATES = (1e-3, 3e-3, 1e-2)


def configs() -> list[RunConfig]:
    return [
        small.config(
            training=TrainingConfig(sequences=256, batch_size=16, learning_rate=rate),
            seeds=SeedConfig(initial=10 + number, data=number + 3),
        )
        for number, rate in enumerate(RATES)
    ]


def small_cohort(of: list[RunConfig], **options: object) -> Cohort:
    dataset = small.dataset(of[0])
    return Cohort(of, [dataset] * len(of), compile=False, **options)


def told(reports: list[Report]) -> list[dict]:
    """What reports say, but for the clock."""
    return [one.measurement.model_dump(exclude={"elapsed_seconds"}) for one in reports]


def by_run(of: Cohort) -> dict[int, list[Report]]:
    found: dict[int, list[Report]] = {}
    for reports in of.reports():
        for report in reports:
            found.setdefault(report.run, []).append(report)
    return found


def alone(config: RunConfig) -> list[Report]:
    return [report for (report,) in small.train(config)]


def test_runs_in_a_cohort_are_bit_for_bit_what_they_are_alone() -> None:
    together = by_run(small_cohort(configs()))

    for run, config in enumerate(configs()):
        assert told(together[run]) == told(alone(config))


def test_the_run_that_is_furthest_behind_goes_next() -> None:
    order = [
        (report.measurement.sequences, report.run)
        for reports in small_cohort(configs()).reports()
        for report in reports
    ]

    assert order == sorted(order)


def test_who_leaves_disturbs_nobody_and_makes_no_more_updates() -> None:
    cohort, seen = small_cohort(configs()), []
    for reports in cohort.reports():
        for report in reports:
            seen.append(report)
            if report.run == 1 and report.measurement.sequences == 64:
                cohort.leave(1)

    assert [one.measurement.sequences for one in seen if one.run == 1] == [0, 64]
    assert cohort.sequences_of(1) == 64
    for run in (0, 2):
        assert told([one for one in seen if one.run == run]) == told(alone(configs()[run]))


def test_who_is_sent_away_between_two_reports_makes_no_further_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "STRETCH", 0)  # asks before every update

    def look() -> bool:
        if cohort.sequences_of(1) == 80:
            cohort.leave(1)
        return False

    cohort = small_cohort(configs(), should_stop=look)
    found = by_run(cohort)

    assert cohort.sequences_of(1) == 80
    assert [one.measurement.sequences for one in found[1]] == [0, 64]
    assert told(found[2]) == told(alone(configs()[2]))


def test_runs_resume_from_different_places_as_if_they_had_never_stopped() -> None:
    cohort = small_cohort(configs())
    states: dict[int, TrainerState] = {}
    for reports in cohort.reports():
        for report in reports:
            if report.measurement.sequences == 64 * (report.run + 1):
                states[report.run] = cohort.state(report.run)
    resumed = by_run(small_cohort(configs(), resume=[states[run] for run in range(3)]))

    for run, config in enumerate(configs()):
        whole = told(alone(config))
        assert told(resumed[run]) == whole[run + 2 :]


def test_a_stop_leaves_every_run_where_it_can_go_on() -> None:
    cohort = small_cohort(configs())
    asked = iter(range(1000))
    for trainer in cohort.trainers:
        trainer.should_stop = lambda: next(asked) >= 10
    by_run(cohort)

    assert cohort.stopped
    states = [cohort.state(run) for run in range(3)]
    resumed = by_run(small_cohort(configs(), resume=states))
    for run, config in enumerate(configs()):
        assert told(resumed[run])[-1] == told(alone(config))[-1]


def test_all_runs_share_one_compiled_program() -> None:
    cohort = small_cohort(configs())

    assert len({id(trainer.programs) for trainer in cohort.trainers}) == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"program": (Ablate(site=Site.parse("L1H1.v")),)}, "clamped points"),
        ({"task": TaskConfig(dataset="gaussian", classes=10, new_classes=5, labels=6)}, "labels"),
    ],
)
def test_what_needs_another_program_is_refused(change: dict, what: str) -> None:
    first, second, _ = configs()

    with pytest.raises(ValueError, match=f"the same {what}"):
        small_cohort([first, second.model_copy(update=change)])


def test_reports_say_whose_they_are() -> None:
    (report,) = next(small_cohort(configs()).reports())

    assert report == replace(report, run=0)
