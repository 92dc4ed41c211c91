"""The planner: who is trained next, with whom, and how many leave work for others."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app.db import runs
from app.db.engine import session_scope
from app.db.models import Study, StudyRunRow
from app.db.workers import Description, report
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.runs.outbox import transaction
from app.services.runs.planning import plan, runs_that_fit, share
from tests.integration.support.rows import SMALL, change, moved, new_run

PLENTY = 100_000_000_000
OTHER = RunConfig.model_validate({"model": {"heads": 4, "width": 16}})


@pytest.fixture
def take(engine, outbox):
    """Plans for a worker: the ids of the runs that it gets."""

    def take(worker: str = "me", *, most: int = 32, memory: int = PLENTY) -> list[str]:
        with transaction(engine, outbox) as session:
            taken = plan(session, worker=worker, lease_seconds=60, most=most, memory=memory)
            return [claim.run_id for claim in taken]

    return take


@pytest.fixture
def launch(engine, outbox):
    """Queued runs; of a study if one is named."""

    def launch(count: int, config: RunConfig = SMALL, study: str = "") -> list[str]:
        ids = [new_run(engine, outbox, config) for _ in range(count)]
        if study:
            with session_scope(engine) as session:
                session.add(Study(id=study, name=study, request={}, axes=[]))
                session.flush()
                session.add_all(
                    StudyRunRow(
                        study_id=study, run_id=one, place=n, name="", values={}, is_reused=False
                    )
                    for n, one in enumerate(ids)
                )
        return ids

    return launch


@pytest.fixture
def worker_is_there(engine):
    def worker_is_there(name: str) -> None:
        with session_scope(engine) as session:
            report(session, Description(name, "host", 1, "CPU", 2, 8, 4, "2"))

    return worker_is_there


def test_runs_that_fit_together_are_taken_together_and_others_after_them(take, launch):
    first, other, more = launch(2), launch(1, OTHER), launch(1)

    assert take() == [*first, *more]
    assert take() == other
    assert take() == []


def test_a_run_knows_how_many_it_is_trained_with(take, launch, client):
    run_id = launch(3)[0]
    take()

    run = client.get(f"/api/v1/runs/{run_id}").json()
    events = client.get(f"/api/v1/runs/{run_id}/timeline").json()["events"]

    assert run["companions"] == 2
    assert events[-1]["message"] == "Taken by me (attempt 1), with 2 others."
    assert "trained with 2 others" in client.get(f"/runs/{run_id}").text


def test_as_many_are_taken_as_leave_every_worker_its_share(take, launch, worker_is_there):
    launch(8)
    for name in ("me", "idle", "too"):
        worker_is_there(name)

    assert [len(take(name)) for name in ("me", "idle", "too", "too")] == [3, 3, 2, 0]


def test_a_worker_that_is_nearly_done_is_left_its_share_and_a_busy_one_nothing(
    take, launch, worker_is_there, engine
):
    for name, count in (("busy", 4), ("nearly", 2)):
        worker_is_there(name)
        launch(count, OTHER)
        taken = take(name)
        assert len(taken) == count
    for run_id in taken:
        change(engine, run_id, sequences=900_000)
    launch(5)

    assert len(take()) == 3


@pytest.mark.parametrize(
    ("runs", "others", "mine"),
    [(5, [], 5), (5, [0], 3), (4, [0], 2), (1, [0, 0], 1), (6, [1.5], 4), (3, [9], 3), (2, [1], 2)],
)
def test_runs_are_shared_out_so_that_all_workers_end_together(runs, others, mine):
    assert share(runs, others) == mine


@pytest.mark.parametrize(
    ("others", "apart", "mine"),
    [([0], 20, 12), ([0], 2, 7), ([0, 0], 2, 5), ([4], 4, 10), ([], 9, 12)],
)
def test_runs_of_other_programs_keep_the_other_workers_busy_first(others, apart, mine):
    assert share(12, others, apart=apart) == mine


def test_runs_of_one_program_stay_together_while_others_wait(take, launch, worker_is_there):
    first, other, last = launch(4), launch(4, OTHER), launch(1)
    for name in ("me", "idle"):
        worker_is_there(name)

    assert [take("me"), take("idle")] == [[*first, *last], other]


def test_workers_that_are_silent_are_left_nothing(take, launch, worker_is_there, engine):
    launch(4)
    worker_is_there("silent")
    with engine.begin() as connection:
        connection.execute(text("UPDATE worker SET seen_at = now() - interval '1 minute'"))

    assert len(take()) == 4


def test_no_more_are_taken_than_allowed_or_than_fit_into_memory(take, launch):
    launch(6)
    fits_two = next(size for size in range(0, PLENTY, 1_000_000) if runs_that_fit(SMALL, size) == 2)

    assert len(take(most=3)) == 3
    assert len(take(memory=fits_two)) == 2
    assert len(take(memory=0)) == 1


def test_the_higher_priority_goes_first_alone_and_among_companions(take, launch, engine):
    runs, other = launch(3), launch(1, OTHER)
    change(engine, other[0], priority=2)
    change(engine, runs[2], priority=1)

    assert take() == other
    assert take(most=2) == [runs[2], runs[0]]


def test_studies_take_turns_the_oldest_first(take, launch):
    long, short, loose = launch(4, study="long"), launch(2, OTHER, study="short"), launch(3)

    turns = [take(most=2) for _ in range(5)]

    # The runs of no study fit to those of the long one, which fills up with its own.
    assert turns == [long[:2], short, loose[:2], long[2:], loose[2:]]


def test_a_run_whose_attempt_came_to_nothing_is_tried_alone(take, launch, engine):
    first, suspect, last = launch(3)
    change(engine, suspect, fruitless_attempts=1)

    assert take() == [first, last]
    assert take() == [suspect]


def test_a_run_of_a_cohort_that_failed_as_a_whole_stays_alone_whatever_it_measures(
    take, launch, engine
):
    first, *others = launch(3)
    change(engine, others[0], alone=True, sequences=5000)

    assert [take(), take()] == [[first, others[1]], [others[0]]]


def test_a_worker_that_cannot_train_is_left_nothing(take, launch, engine):
    launch(4)
    with session_scope(engine) as session:
        report(session, Description("full", "host", 1, "CPU", 2, 8, 4, "2", trouble="It is full."))

    assert len(take("me")) == 4


def test_runs_that_are_held_or_have_ended_are_not_taken(take, launch, engine, outbox):
    paused, cancelled, waiting = launch(3)
    moved(engine, outbox, paused, RunState.PAUSED)
    moved(engine, outbox, cancelled, RunState.CANCELLED)

    assert take() == [waiting]


def test_a_run_that_somebody_is_changing_is_passed_over_and_waits_for_the_next_plan(
    take, launch, engine
):
    changed, *others = launch(3)

    with session_scope(engine) as session:
        runs.locked_run(session, changed)
        taken = take(most=1) + take()

    assert taken == others
    assert take() == [changed]


def test_runs_of_before_there_were_keys_are_trained_alone(take, launch, engine):
    for run_id in launch(2):
        change(engine, run_id, cohort_key="")

    assert [len(take()), len(take())] == [1, 1]


def test_workers_that_plan_at_once_take_different_runs(take, launch, worker_is_there):
    ids = launch(6)
    names = ["one", "two", "three"]
    for name in names:
        worker_is_there(name)

    with ThreadPoolExecutor(3) as pool:
        taken = list(pool.map(take, names))

    assert [len(one) for one in taken] == [2, 2, 2]
    assert {run_id for one in taken for run_id in one} == set(ids)


def test_companions_that_need_more_than_the_first_are_counted_with_what_they_need(take, launch):
    classes = SMALL.task.model_copy(update={"classes": 5_000, "new_classes": 5_000})
    large = SMALL.model_copy(update={"task": classes})
    (first,), _ = launch(1), launch(4, large)
    fits_one = next(size for size in range(0, PLENTY, 1_000_000) if runs_that_fit(large, size) == 2)

    assert runs_that_fit(SMALL, fits_one) >= 5
    taken = take(memory=fits_one)

    assert taken[0] == first
    assert len(taken) == 2
