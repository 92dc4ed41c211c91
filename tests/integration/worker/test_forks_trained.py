"""Forks that a real worker trains: what they share with their parent is equal bit for bit."""

import pytest

from app.schemas.api.runs import ForkRequest
from app.services.runs.creation import create_run
from app.services.runs.forks import fork
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.recorded import numbers, places, row, state
from tests.integration.support.worker_process import WorkerProcess, half_way, kill_now, tiny

AT = 2016
CHANGED = {"optimiser": "reset", "program": [{"kind": "ablate", "site": "L1H0.v"}]}


@pytest.fixture
def worker(settings):
    process = WorkerProcess(settings, lease_seconds=2)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def parent(worker, engine, outbox) -> str:
    """A run that has passed its second checkpoint and goes on while it is forked."""
    with transaction(engine, outbox) as session:
        run_id = create_run(session, tiny(recording={"checkpoint_every": 2000})).id
    worker.until(lambda: AT in places(engine, run_id, "checkpoint"), "checkpoint")
    return run_id


@pytest.fixture
def forked(engine, outbox, parent):
    def forked(**body) -> str:
        with transaction(engine, outbox) as session:
            request = ForkRequest.model_validate({"sequences": AT, **body})
            return fork(session, run_or_error(session, parent), request).id

    return forked


@pytest.fixture
def finished(worker, engine):
    """Waits for runs to reach their end; the numbers of each."""

    def finished(*run_ids: str) -> list[list[tuple[object, ...]]]:
        for run_id in run_ids:
            worker.until(lambda run_id=run_id: state(engine, run_id) == "finished", "finished run")
        return [numbers(engine, run_id) for run_id in run_ids]

    return finished


def test_forks_begin_where_their_parent_stood_and_go_on_by_their_own_program(
    worker, engine, parent, forked, finished
):
    same, changed = forked(), forked(**CHANGED)
    killed = half_way(worker, engine, lambda: forked(**CHANGED), after=AT)
    kill_now(worker.trainer(killed, attempt=1))

    whole, repeated, other, resumed = finished(parent, same, changed, killed)

    # Unchanged: the first measurement, at the fork, is the parent's, and so is all that follows.
    assert repeated == whole
    fork = [number[0] for number in whole].index(AT)
    assert other[:fork] == whole[:fork]
    assert [number[0] for number in other] == [number[0] for number in whole]
    assert all(ours != theirs for ours, theirs in zip(other[fork:], whole[fork:], strict=True))
    # Reset optimiser, killed on the way: the same as undisturbed.
    assert resumed == other
    assert row(engine, killed).attempt == 2
    assert places(engine, same, "checkpoint") == places(engine, parent, "checkpoint")
    # What the parent crossed before the fork, the fork does not claim; what comes after, it does.
    shared = whole[fork - 1][0]
    for name in ("onset", "midpoint", "end"):
        place = getattr(row(engine, parent), name)
        expected = None if place is not None and place <= shared else place
        assert getattr(row(engine, same), name) == expected, name
