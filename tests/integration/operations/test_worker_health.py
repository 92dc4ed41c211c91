"""`optoscope health`: what it finds of the workers of this machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.db.engine import session_scope
from app.db.workers import Description, report
from app.schemas.state import RunState
from app.stack.trouble import StackError
from app.stack.workers.health import check_workers
from tests.integration.support.rows import add, change, measurement, moved, new_run


@pytest.fixture(scope="module")
def main_process() -> Iterator[int]:
    """The number of a process that looks like Celery's main one, and has started another."""
    waits = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    more = ["-c", "input()", "worker.serve"]
    command = [sys.executable, "-c", waits, *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process.pid
        process.communicate(b"\n")


@pytest.fixture
def heard(engine):
    """Says that a worker of this number was heard of, some seconds ago."""

    def heard(pid: int, *, seconds: int = 0, trouble: str = "") -> str:
        name = f"here-{pid}"
        told = Description(name, socket.gethostname(), pid, "CPU", 2, 10**9, 10**9, "2.13.0")
        with session_scope(engine) as session:
            report(session, told)
        said = "UPDATE worker SET trouble = :t, seen_at = now() - make_interval(secs => :s)"
        with engine.begin() as connection:
            where = f"{said} WHERE name = :n"
            connection.execute(text(where), {"t": trouble, "s": seconds, "n": name})
        return name

    return heard


def test_workers_that_were_heard_of_just_now_work(settings, heard, main_process):
    with pytest.raises(StackError, match=r"^No worker of this machine has been heard of"):
        check_workers(settings)
    heard(main_process)

    assert check_workers(settings) == 1


def test_a_number_that_something_else_has_by_now_is_no_worker(settings, heard, main_process):
    heard(main_process)
    heard(os.getpid(), seconds=600)
    heard(children_of(main_process)[0], seconds=600)  # as a pool process has it

    assert check_workers(settings) == 1


@pytest.mark.parametrize(
    ("of", "complaint"),
    [
        ({"seconds": 11}, "has not been heard of for 10 s"),
        ({"trouble": "The disk is full."}, "cannot train: The disk is full."),
    ],
)
def test_one_that_is_silent_or_in_trouble_is_complained_of(
    of, complaint, settings, heard, main_process
):
    heard(main_process, **of)

    with pytest.raises(StackError, match=complaint):
        check_workers(settings)


@pytest.fixture
def in_hand(engine, outbox, heard, main_process) -> str:
    """A run that the worker trains."""
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    change(engine, run_id, worker=heard(main_process))
    return run_id


def test_one_whose_run_has_lost_its_lease_is_complained_of(settings, engine, in_hand):
    assert check_workers(settings) == 1
    with engine.begin() as connection:
        connection.execute(text("UPDATE run SET lease_until = now() - interval '1 s'"))

    with pytest.raises(StackError, match="stands still: its lease is over"):
        check_workers(settings)


def test_one_whose_run_is_not_measured_any_more_is_complained_of(settings, engine, in_hand):
    with engine.begin() as connection:
        connection.execute(text("UPDATE run_event SET at = now() - interval '1 h'"))
    add(engine, in_hand, measurement(0), measurement(5024))
    change(engine, in_hand, sequences_per_second=1000.0)

    with pytest.raises(StackError, match="stands still: nothing was heard of it for 3600 s"):
        check_workers(settings)
    with engine.begin() as connection:
        at_last = "UPDATE measurement SET computed_at = now() WHERE sequences = 5024"
        connection.execute(text(at_last))
    assert check_workers(settings) == 1


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(number) for number in file.read().split()]
