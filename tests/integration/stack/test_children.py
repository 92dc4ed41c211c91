"""Child processes: their logs, their ends, and nobody left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.stack.child import Child, Program
from app.stack.leftovers import command_of, end_leftovers, write_record
from app.stack.places import open_data_dir
from app.stack.trouble import StackError

STARTS_A_CHILD_AND_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from app.stack.child import Child, Program
from app.stack.places import open_data_dir
child = Child(Program("Sleeper", ("sleep", "1000"), lambda: True), open_data_dir(Path(sys.argv[1])))
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def data(tmp_path):
    return open_data_dir(tmp_path)


def shell(script, *, ready=lambda: True, grace_seconds=5.0):
    return Program("Shell", ("sh", "-c", script), ready, grace_seconds=grace_seconds)


def await_true(condition, what, *, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_child_that_ends_while_starting_is_quoted(data):
    child = Child(shell("echo the disk is full; exit 3", ready=lambda: False), data)
    child.start()

    with pytest.raises(StackError, match=r"Shell ended with 3 while starting\.[^|]*disk is full"):
        child.await_ready()


def test_only_the_last_start_is_quoted(data):
    child = Child(shell("echo again"), data)
    for _ in range(2):
        child.start()
        await_true(lambda: child.exit_code() == 0, child.log.read_text())

    assert child.last_words().count("again") == 1


def test_stopping_a_child_ends_its_children_too(data):
    child = Child(shell("sleep 1000 & echo $!; wait"), data)
    child.start()
    await_true(lambda: child.log.read_text().strip(), "the grandchild did not start")
    grandchild = int(child.log.read_text())

    child.stop()

    await_true(lambda: command_of(grandchild) is None, f"{grandchild} still runs")


def test_a_child_that_will_not_stop_is_killed_after_its_grace(data):
    deaf = shell("trap '' TERM; echo ready; while :; do sleep 1; done", grace_seconds=0.2)
    child = Child(deaf, data)
    child.start()
    await_true(lambda: "ready" in child.log.read_text(), "it did not start")

    child.stop()

    assert child.exit_code() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of such a death")
def test_children_of_a_killed_parent_die(data):
    command = [sys.executable, "-c", STARTS_A_CHILD_AND_IS_KILLED, str(data.root)]

    parent = subprocess.run(command, capture_output=True, text=True, check=False)

    assert parent.returncode == -signal.SIGKILL
    child = int(parent.stdout)
    await_true(lambda: command_of(child) is None, f"{child} still runs")


def test_a_leftover_is_ended_and_its_record_dropped(data):
    command = ("sleep", "1000")
    leftover = subprocess.Popen(command, start_new_session=True)
    record = data.records / "sleeper.json"
    write_record(record, leftover.pid, command, signal.SIGTERM)
    await_true(lambda: command_of(leftover.pid) == list(command), "it did not start")

    end_leftovers(data.records)

    assert leftover.wait(timeout=5) == -signal.SIGTERM
    assert not record.exists()


def test_another_program_with_the_number_of_a_leftover_is_left_alone(data):
    bystander = subprocess.Popen(["sleep", "1000"])
    write_record(data.records / "web.json", bystander.pid, ("sleep", "999"), signal.SIGKILL)

    end_leftovers(data.records)

    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_record_cut_short_by_a_full_disk_is_dropped(data):
    (data.records / "web.json").write_text(json.dumps({"pid": 1})[:-2])

    end_leftovers(data.records)

    assert not list(data.records.glob("*.json"))


def test_a_long_log_is_set_aside(data):
    child = Child(shell("echo new"), data)
    os.truncate(_made(child.log), 11_000_000)

    child.start()
    await_true(lambda: child.exit_code() == 0, "it did not end")

    assert child.log.read_text() == "new\n"
    assert child.log.with_suffix(".1.log").stat().st_size == 11_000_000


def _made(path: Path) -> Path:
    path.touch()
    return path
