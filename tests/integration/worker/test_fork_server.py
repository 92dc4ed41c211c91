"""Trainers are forked from a process that has loaded torch: what that must not change."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.support.recorded import events, has_resume_point, state
from tests.integration.support.rows import new_run
from tests.integration.support.worker_process import WorkerProcess, is_alive, parent_of, tiny
from worker import fork_server
from worker.fork_server import ProcessOrder

LONG = {"sequences": 320_000}


@pytest.fixture
def worker(settings):
    process = WorkerProcess(settings)
    process.start()
    yield process
    process.kill()


def command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip()


def test_a_trainer_is_forked_from_a_server_that_has_loaded_torch_and_says_whose_it_is(
    worker, engine, outbox
):
    run_id = new_run(engine, outbox, tiny(training=LONG))
    trainer = worker.trainer(run_id, attempt=1)
    worker.until(lambda: worker.is_ready(run_id, attempt=1), "ready trainer")
    server = parent_of(trainer)

    assert command(server).endswith(f"-m worker.fork_server --parent {parent_of(server)}")
    assert "libtorch_cpu" in Path(f"/proc/{server}/maps").read_text()
    assert Path(f"/proc/{trainer}/comm").read_text() == f"{run_id}\n"
    assert os.getsid(trainer) == trainer  # no Ctrl-C of a terminal reaches it


def test_a_server_that_is_killed_takes_its_trainer_along_and_another_goes_on(
    worker, engine, outbox
):
    run_id = new_run(engine, outbox, tiny(training=LONG))
    worker.until(has_resume_point(engine, run_id), "resume point")
    trainer = worker.trainer(run_id, attempt=1)

    os.kill(parent_of(trainer), signal.SIGKILL)

    worker.until(lambda: not is_alive(trainer), "dead trainer", seconds=5)
    worker.until(lambda: worker.trainer(run_id, attempt=2), "second attempt")
    said = [message for _, message in events(engine, run_id)]
    assert any("The trainer was killed" in message for message in said)
    assert worker.is_running


def test_who_asks_all_processes_to_end_has_their_runs_saved(worker, engine, outbox):
    """As batch systems do: the server must not end before its trainer has saved."""
    run_id = new_run(engine, outbox, tiny(training=LONG))
    worker.until(has_resume_point(engine, run_id), "resume point")
    trainer = worker.trainer(run_id, attempt=1)

    for process in (parent_of(trainer), trainer, worker.pid):
        os.kill(process, signal.SIGTERM)

    worker.until(lambda: not worker.is_running, "end of the worker", seconds=20)
    assert state(engine, run_id) == "queued"
    kind, message = events(engine, run_id)[-1]
    assert (kind, "goes on from" in message) == ("queued", True)


def test_an_order_of_many_runs_may_come_in_pieces(tmp_path, monkeypatch):
    runs = [f"run{number:07d}:1" for number in range(2000)]
    asked = {"program": "trainer", "arguments": runs, "log": str(tmp_path / "log")}
    message = json.dumps(asked).encode() + b"\n"
    ours, theirs = socket.socketpair()
    taken: list[ProcessOrder] = []
    monkeypatch.setattr(fork_server, "_forked", lambda order, _: taken.append(order) or 7)

    with ours, theirs, Path(os.devnull).open() as file:
        socket.send_fds(ours, [message[:1000]], [file.fileno()])
        ours.sendall(message[1000:])
        assert fork_server._take_order(theirs)

        assert ours.recv(100) == b'{"process": 7}\n'
    (order,) = taken
    assert order.arguments == runs


SERVER = """
import os, subprocess
from worker import fork_server
fork_server.CALM = 0.05
fork_server._load = lambda *names: print(*names, flush=True)
fork_server._forked = lambda *_: subprocess.Popen(["sleep", "60"]).pid
fork_server.main(["--parent", str(os.getppid())])
"""


def said(server: subprocess.Popen[bytes]) -> list[str]:
    assert select.select([server.stdout], [], [], 30)[0], "it says nothing"
    return server.stdout.readline().decode().split()


def test_torchs_compiler_is_loaded_while_a_trainer_is_at_work_and_not_before(tmp_path):
    ours, theirs = socket.socketpair()
    python = [sys.executable, "-c", SERVER]
    with subprocess.Popen(python, stdin=theirs, stdout=subprocess.PIPE) as server:
        assert said(server) == ["worker.training.session"]
        assert not select.select([server.stdout], [], [], 0.5)[0]

        asked = {"program": "trainer", "arguments": [], "log": str(tmp_path / "log")}
        order = json.dumps(asked).encode() + b"\n"
        with (tmp_path / "ready").open("w") as ready:
            socket.send_fds(ours, [order], [ready.fileno()])
        trainer = json.loads(ours.recv(100))["process"]

        assert said(server) == list(fork_server.COMPILER)
        os.kill(trainer, signal.SIGKILL)
        assert json.loads(ours.recv(100)) == {"process": trainer, "code": -signal.SIGKILL}
        server.kill()
    for end in (ours, theirs):
        end.close()


def test_what_loads_torchs_compiler_starts_no_thread():
    """A thread would not be there in what is forked, and what it holds would stay held."""
    looks = "import os; before = os.listdir('/proc/self/task')"
    loads = "from worker.fork_server import COMPILER, _load; _load('worker.training.session')"
    then = "_load(*COMPILER); print(len(os.listdir('/proc/self/task')) - len(before))"
    program = f"import os; {loads}; {looks}; {then}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (said.stdout, said.stderr) == ("0\n", "")


def test_where_nothing_can_be_forked_a_trainer_is_started(settings, tmp_path, monkeypatch):
    for name in ("database_url", "redis_url", "data_dir"):
        monkeypatch.setenv(f"OPTOSCOPE_{name}".upper(), str(getattr(settings, name)))
    ready, said = os.pipe()
    order = ProcessOrder("trainer", [], tmp_path / "log", said)

    process = fork_server._spawned(order)
    os.close(said)

    assert os.read(ready, 2) == b"1"
    assert os.waitpid(process, 0) == (process, 0)
    assert order.log.read_text().endswith("ready\n")
