"""Runs as users have them trained: compiled, in processes of their own, whatever interrupts them.

Other tests of workers train uncompiled, since that starts at once; what they show of resuming must
hold of compiled runs, too, and no run here may have trained in another way than it was asked to.
"""

import pytest

from app.schemas.api.runs import ForkRequest
from app.services.runs.creation import create_run
from app.services.runs.forks import fork
from app.services.runs.lifecycle import request_pause, resume, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.recorded import events, has_resume_point, numbers, places, state
from tests.integration.support.worker_process import WorkerProcess, kill_now, tiny
from worker.science.machine.compiler import cxx

# Loads torch's compiler, which warns of itself; a first compile takes half a minute of both cores.
pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks"),
]

# Eight seconds of compiled training: two resume points lie far from its end.
LONG = {"sequences": 480_000, "learning_rate": 1e-3}
FORK_AT = 5024


@pytest.fixture(autouse=True)
def _empty() -> None:
    """Not between the tests of this file: they share a trained run."""


@pytest.fixture(scope="module")
def worker(session_settings):
    process = WorkerProcess(session_settings, lease_seconds=4, compile=True)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def launch(session_engine, session_outbox):
    def launch() -> str:
        with transaction(session_engine, session_outbox) as session:
            return create_run(session, tiny(training=LONG)).id

    return launch


@pytest.fixture(scope="module")
def finished(worker, session_engine):
    """Waits for the end of a run; its numbers. What it was trained on was compiled each time."""

    def finished(run_id: str, attempts: int) -> list[tuple[object, ...]]:
        worker.until(
            lambda: state(session_engine, run_id) == "finished", "finished run", seconds=150
        )
        happened = events(session_engine, run_id)
        told = [message for kind, message in happened if kind == "running"]
        assert len(told) == attempts, told
        assert all("thread, compiled" in message for message in told), told
        assert not any(kind == "notice" for kind, _ in happened), happened
        return numbers(session_engine, run_id)

    return finished


@pytest.fixture(scope="module")
def undisturbed(worker, launch, finished, session_engine):
    """A run, and its numbers."""
    run_id = launch()
    # Where it begins is seen while its programs are compiled.
    worker.until(lambda: places(session_engine, run_id, "measurement"), "first point", seconds=60)
    assert state(session_engine, run_id) == "starting"
    return run_id, finished(run_id, attempts=1)


def test_a_run_that_is_killed_and_paused_goes_on_compiled_with_the_same_numbers(
    undisturbed, worker, launch, finished, engine, outbox
):
    """Both befall one run: each trainer that starts loads torch, and compiles nothing again."""
    _, numbers = undisturbed
    compiled = programs(worker)
    assert len(compiled) == 2
    run_id = launch()
    worker.until(has_resume_point(engine, run_id), "resume point", seconds=150)
    (place,) = places(engine, run_id, "resume_point")
    kill_now(worker.trainer(run_id, attempt=1))
    worker.until(has_resume_point(engine, run_id, after=place), "another one", seconds=150)
    with transaction(engine, outbox) as session:
        request_pause(session, run_or_error(session, run_id))
    worker.until(lambda: state(engine, run_id) == "paused", "paused run")
    with transaction(engine, outbox) as session:
        resume(session, run_or_error(session, run_id))

    assert finished(run_id, attempts=3) == numbers
    assert programs(worker) == compiled


def programs(worker):
    """When each program was compiled."""
    kept = (worker.settings.data_dir / "cache").rglob("*.program")
    return {path.name: path.stat().st_mtime_ns for path in kept}


def test_a_fork_that_changes_nothing_is_compiled_and_repeats_its_parent(
    undisturbed, finished, engine, outbox
):
    parent, numbers = undisturbed
    with transaction(engine, outbox) as session:
        request = ForkRequest(sequences=FORK_AT)
        same = fork(session, run_or_error(session, parent), request).id

    assert finished(same, attempts=1) == numbers
