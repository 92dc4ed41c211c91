"""What a worker claims, and what it does when it cannot train at all."""

import os
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import event, text

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.runs.lifecycle import request_cancel, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.html import get
from tests.integration.support.locks import lose_the_answer
from tests.integration.support.recorded import events, row, state
from tests.integration.support.rows import SMALL, change, moved, new_run
from tests.integration.support.worker_process import WorkerProcess, freeze, tiny
from worker.retry import retry_while_away
from worker.service.fork_server import ForkServer
from worker.service.supervisor import Supervisor
from worker.service.trainer_process import TrainerProcess
from worker.service.watch import Watch

PAST = datetime.now(UTC) - timedelta(minutes=1)
OTHER = RunConfig.model_validate({"model": {"heads": 4, "width": 16}})


@pytest.fixture
def supervisor(settings, engine, outbox):
    forks = ForkServer(settings)
    yield Supervisor(settings, engine, outbox, "w", lambda: False, forks)
    forks.end()


def test_a_claim_whose_answer_was_lost_is_taken_again_as_a_new_attempt(supervisor, engine, outbox):
    first, other = new_run(engine, outbox), new_run(engine, outbox, OTHER)
    lose_the_answer(to=lambda: state(engine, first) == "starting")

    taken = retry_while_away(supervisor.take)

    assert [(claim.run_id, claim.attempt) for claim in taken] == [(first, 2)]
    assert state(engine, other) == "queued"
    assert events(engine, first)[-1][1].startswith("Taken again by w (attempt 2)")
    assert row(engine, first).fruitless_attempts == 1


def test_runs_that_cannot_be_trained_together_are_not_taken_again_together(
    supervisor, engine, outbox
):
    ids = [new_run(engine, outbox, config) for config in (SMALL, OTHER, SMALL)]
    with engine.begin() as connection:
        forgotten = "UPDATE run SET state = 'starting', worker = 'w', attempt = 1"
        connection.execute(text(forgotten))

    taken = supervisor.take()

    together = {ids[0], ids[2]} if taken[0].run_id != ids[1] else {ids[1]}
    assert {claim.run_id for claim in taken} == together


@pytest.fixture
def broken(settings, tmp_path, monkeypatch):
    """A worker whose trainers have nowhere to log, and a torch that cannot be loaded."""
    logs, torch = tmp_path / "data" / "logs", tmp_path / "torch" / "__init__.py"
    for file, content in ((logs, ""), (torch, "raise ImportError('libtorch is broken')")):
        file.parent.mkdir()
        file.write_text(content)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{before}")
    process = WorkerProcess(settings.model_copy(update={"data_dir": tmp_path / "data"}))
    yield process, logs, torch
    process.kill()


def test_a_worker_that_cannot_train_harms_no_run_says_why_and_trains_when_it_can(
    broken, client, engine, outbox
):
    worker, logs, torch = broken
    short = tiny(training={"sequences": 320})
    ids = [new_run(engine, outbox, short) for _ in range(9)]

    def trouble() -> str:
        found = client.get("/api/v1/workers").json()["workers"]
        return found[0]["trouble"] if found else ""

    worker.start()
    worker.until(lambda: "logs" in trouble(), "trouble with the logs")
    logs.unlink()
    worker.until(lambda: "libtorch is broken" in trouble(), "trouble with torch")
    page = get(client, "/workers").one("div", id="workers-table").text
    states = [state(engine, run_id) for run_id in ids]
    torch.unlink()
    worker.until(lambda: {state(engine, one) for one in ids} == {"finished"}, "finished runs")
    worker.until(lambda: trouble() == "", "no trouble")

    assert states == ["queued"] * 9
    assert "cannot train The trainer could not be started: ImportError: libtorch is broken" in page
    assert {row(engine, run_id).attempt for run_id in ids} <= {1, 2}
    said = [message for _, message in events(engine, ids[0])]
    assert any(message.endswith("It waits for a worker that can train.") for message in said)


def test_a_run_that_is_cancelled_while_its_trainer_loads_is_no_trouble_of_its_worker(
    supervisor, settings, engine, outbox, monkeypatch
):
    for name in ("database_url", "redis_url", "data_dir"):
        monkeypatch.setenv(f"OPTOSCOPE_{name}".upper(), str(getattr(settings, name)))
    run_id, stop, process = new_run(engine, outbox), threading.Event(), WorkerProcess(settings)
    supervising = replace(supervisor, is_stopping=stop.is_set)
    supervising.forks.start()
    freeze(supervising.forks.pid, engine)  # while it loads torch
    turn = threading.Thread(target=supervising.attend, args=[run_id])
    turn.start()
    process.until(lambda: state(engine, run_id) == "starting", "starting run")

    with transaction(engine, outbox) as session:
        request_cancel(session, run_or_error(session, run_id))
    process.until(lambda: state(engine, run_id) == "cancelled", "cancelled run")
    process.until(lambda: supervising.trouble.said or not turn.is_alive(), "next look at runs")
    assert process.trainer_log(run_id) == ""  # it never came to that
    stop.set()  # else a worker in trouble loads torch in vain before it takes another run
    turn.join()

    assert supervising.trouble.said == ""


@dataclass
class StandIn:
    """What a watch asks of a trainer."""

    is_ready: bool


@pytest.fixture
def watching(supervisor, settings, engine, outbox):
    """A run in a state, and the watch over its trainer."""

    def watching(*states: RunState, is_ready: bool) -> tuple[str, Watch]:
        run_id = new_run(engine, outbox)
        taken = supervisor.take()
        moved(engine, outbox, run_id, *states)
        change(engine, run_id, lease_until=PAST)
        trainer = cast(TrainerProcess, StandIn(is_ready))
        return run_id, Watch(settings, engine, outbox, taken, lambda: False, trainer)

    return watching


@pytest.mark.parametrize(
    ("states", "is_ready", "is_kept"),
    [
        ((), False, True),
        ((), True, True),  # it compiles
        ((RunState.PAUSING,), False, True),
        ((RunState.RUNNING, RunState.PAUSING), True, False),
        ((RunState.RUNNING,), True, False),
    ],
)
def test_the_lease_is_kept_by_the_supervisor_while_the_trainer_cannot(
    watching, engine, states, is_ready, is_kept
):
    run_id, watch = watching(*states, is_ready=is_ready)

    watch.time_left()

    assert (row(engine, run_id).lease_until > PAST) is is_kept


def test_leases_are_written_as_often_as_they_must_be_and_not_at_every_look(watching, engine):
    _, watch = watching(is_ready=False)
    said: list[str] = []

    def hear(_connection, _cursor, statement: str, *_rest) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    for _ in range(5):
        watch.time_left()
    event.remove(engine, "before_cursor_execute", hear)

    assert len([one for one in said if one.startswith("UPDATE run")]) == 1
