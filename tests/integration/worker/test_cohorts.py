"""Runs that one trainer trains together: each as if it were alone, whatever befalls the others."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from app.schemas.config import RunConfig
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import request_cancel, request_pause, resume, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.recorded import numbers, places, row, state
from tests.integration.support.worker_process import WorkerProcess, freeze, kill_now, tiny

# What differs is data to the compiled program.
HEALTHY = [
    {"program": [{"kind": "ablate", "site": "L1H0.v"}]},
    {"program": [{"kind": "ablate", "site": "L1H1.v"}], "seeds": {"initial": 6}},
]
# Labels that the first batch lacks have no gradient: 0 / 0 without an epsilon.
DIVERGING = HEALTHY[0] | {"training": {"epsilon": 1e-60, "learning_rate": 1}}
COMMON = {"sequences": 9600, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def worker(session_settings):
    process = WorkerProcess(session_settings, lease_seconds=4)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def launch(session_engine, session_outbox):
    """Queues runs in one transaction, so that a free worker finds all of them.

    `broken`: which of them have a config that cannot be read; `key`: says which fit together.
    """

    def launch(
        *several: dict[str, Any], key: str | None = None, broken: Sequence[int] = ()
    ) -> list[str]:
        with transaction(session_engine, session_outbox) as session:
            runs = [create_run(session, config(**parts)) for parts in several]
            for number, run in enumerate(runs):
                if key is not None:
                    run.cohort_key = key
                if number in broken:
                    run.config = run.config | {"training": {"sequences": -1}}
            return [run.id for run in runs]

    return launch


@pytest.fixture(scope="module")
def alone(worker, launch, session_engine):
    """The numbers of the healthy runs, each trained by itself."""
    ids = launch(*HEALTHY, key="")
    worker.until(lambda: ended(session_engine, ids), "finished runs")
    return [numbers(session_engine, run_id) for run_id in ids]


def config(*, program: Sequence[dict[str, str]] = (), **parts: Any) -> RunConfig:
    training = COMMON | parts.get("training", {})
    plain = tiny(**parts | {"task": {"labels": 100}, "training": training})
    return RunConfig.model_validate(plain.model_dump(mode="json") | {"program": program})


def ended(engine, ids: list[str], target: str = "finished") -> bool:
    return all(state(engine, run_id) == target for run_id in ids)


def ask(engine, outbox, how, run_id: str) -> None:
    with transaction(engine, outbox) as session:
        how(session, run_or_error(session, run_id))


def test_runs_leave_their_cohort_one_by_one_and_the_others_never_notice(
    worker, alone, launch, engine, outbox
):
    undisturbed, paused, diverging, cancelled = launch(*HEALTHY, DIVERGING, HEALTHY[1])
    together = worker.trainer(undisturbed, attempt=1)
    assert worker.trainer(cancelled, attempt=1) == together
    worker.until(lambda: state(engine, diverging) == "failed", "failed run")
    worker.until(lambda: len(places(engine, cancelled)) > 2, "measurements")

    asked = time.monotonic()
    ask(engine, outbox, request_cancel, cancelled)
    ask(engine, outbox, request_pause, paused)
    worker.until(lambda: state(engine, cancelled) == "cancelled", "cancelled run", seconds=5)
    assert time.monotonic() - asked <= 2
    worker.until(lambda: state(engine, paused) == "paused", "paused run", seconds=5)
    (place,), measured = places(engine, paused, "resume_point"), places(engine, paused)
    assert measured[-1] <= place < measured[-1] + 250
    assert row(engine, paused).lease_until is None
    assert state(engine, undisturbed) == "running"
    ask(engine, outbox, resume, paused)
    worker.until(lambda: ended(engine, [undisturbed, paused]), "finished runs")

    assert [numbers(engine, run_id) for run_id in (undisturbed, paused)] == alone
    assert row(engine, diverging).error_message.startswith("The loss became NaN at 256 sequences")
    assert places(engine, diverging, "checkpoint") == [0]
    assert [row(engine, run_id).attempt for run_id in (undisturbed, paused)] == [1, 2]
    assert row(engine, undisturbed).companions == 3


def test_a_run_is_cancelled_in_time_although_its_trainer_does_not_hear_and_the_other_goes_on(
    worker, alone, launch, engine, outbox
):
    """As while it compiles; here it is stopped by the kernel."""
    cancelled, other = launch(HEALTHY[1], HEALTHY[0])
    trainer = worker.trainer(other, attempt=1)
    worker.until(lambda: len(places(engine, other)) > 2, "measurements")
    freeze(trainer, engine)

    asked = time.monotonic()
    ask(engine, outbox, request_cancel, cancelled)
    worker.until(lambda: state(engine, cancelled) == "cancelled", "cancelled run", seconds=5)
    took = time.monotonic() - asked
    os.kill(trainer, signal.SIGCONT)
    worker.until(lambda: ended(engine, [other]), "finished run")

    assert took <= 2
    assert numbers(engine, other) == alone[0]
    assert row(engine, other).attempt == 1


def test_a_killed_trainer_is_followed_by_one_that_goes_on_exactly_with_all_its_runs(
    worker, alone, launch, engine
):
    ids = launch(*HEALTHY, HEALTHY[0])
    query = text(
        "SELECT count(DISTINCT run_id) FROM resume_point p JOIN measurement m USING (run_id)"
        " WHERE m.sequences > p.sequences"
    )

    def is_half_way() -> bool:
        with engine.connect() as connection:
            return connection.execute(query).scalar_one() == len(ids)

    worker.until(is_half_way, "resume points with measurements past them")
    kill_now(worker.trainer(ids[0], attempt=1))
    worker.until(lambda: ended(engine, ids), "finished runs")

    assert [numbers(engine, run_id) for run_id in ids] == [*alone, alone[0]]
    assert [row(engine, run_id).attempt for run_id in ids] == [2, 2, 2]
    assert worker.trainer(ids[2], attempt=2) == worker.trainer(ids[0], attempt=2)


def test_a_run_that_cannot_start_fails_by_itself_whether_it_is_first_in_line_or_not(
    worker, alone, launch, engine
):
    first, healthy, last = launch(*[HEALTHY[0]] * 3, broken=(0, 2))

    worker.until(lambda: ended(engine, [first, last], "failed"), "failed runs")
    worker.until(lambda: ended(engine, [healthy]), "finished run")

    assert numbers(engine, healthy) == alone[0]
    for run_id in (first, last):
        assert row(engine, run_id).error_message.startswith("The run's config is not valid")
    assert [row(engine, run_id).companions for run_id in (first, healthy, last)] == [0, 1, 1]


def test_runs_that_cannot_be_trained_together_after_all_are_each_tried_alone(
    worker, alone, launch, engine
):
    ids = launch(HEALTHY[0], HEALTHY[1] | {"program": []}, key="the same")

    worker.until(lambda: ended(engine, ids), "finished runs")

    assert numbers(engine, ids[0]) == alone[0]
    assert [(row(engine, one).attempt, row(engine, one).companions) for one in ids] == [(2, 0)] * 2
