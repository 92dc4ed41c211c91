"""The fork server: loads torch once, and forks a trainer whenever its worker asks for one.

Or an analyst. While one is at work it loads torch's compiler, too, for those after it.

`python -m worker.fork_server --parent PID`, with a socket as standard input, started by
`worker.service.fork_server`. Each line asks for one, `{"program": "trainer", "arguments": [...],
"log": "..."}`, and brings a file, to which that says that it is ready. Answers are lines: which
process it is, and how it ended. Closing the socket ends the server. docs/adr/0047.
"""

import argparse
import ctypes
import gc
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

from worker import analyst, trainer
from worker.run_and_exit import run_and_exit
from worker.service.die_with_parent import die_with_parent
from worker.uncollected import uncollected

log = logging.getLogger("worker.fork_server")

PR_SET_NAME = 15
MESSAGE = 2**16  # bytes that are read at a time
# Elsewhere, libraries that torch loads do not survive a fork.
CAN_FORK = sys.platform == "linux"
CALM = 10.0  # seconds without news, after which a trainer is taken to go on for a while
# The latter is loaded by the former when it first compiles.
COMPILER = ("worker.science.machine.inductor", "torch._inductor.compile_fx")


PROGRAMS = {"trainer": trainer.main, "analyst": analyst.main}


class ProcessOrder(NamedTuple):
    """What is to be started, for which runs or analysis, the file that it writes to, and the one
    to say that it is ready."""

    program: str
    arguments: list[str]
    log: Path
    ready: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until its worker is gone."""
    parser = argparse.ArgumentParser(prog="python -m worker.fork_server")
    parser.add_argument("--parent", type=int, required=True, help="process to die with")
    die_with_parent(parser.parse_args(arguments).parent)
    # Who stops everything at once stops trainers, too, which save then: they would die with us.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if CAN_FORK:
        _load("worker.training.session")
    with socket.socket(fileno=os.dup(0)) as channel:
        _serve(channel)


def _load(*names: str) -> None:
    """What trainers need; no thread may run when they are forked."""
    try:
        with uncollected():
            for name in names:
                import_module(name)
    except Exception:
        # Each trainer tries again, and says so where it is heard.
        log.exception("what trainers need could not be loaded")
    gc.freeze()  # so that memory stays shared


def _serve(channel: socket.socket) -> None:
    is_compiler_loaded = not CAN_FORK
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(ended := _told_of_ends(), selectors.EVENT_READ)
        while True:
            news = selector.select(None if is_compiler_loaded else CALM)
            if not news and _has_trainer():
                # A worker has one trainer at a time, so nobody waits for this.
                _load(*COMPILER)
                is_compiler_loaded = True
            for key, _ in news:
                if key.fileobj == ended:
                    _answer_ends(channel, ended)
                elif not _take_order(channel):
                    return


def _told_of_ends() -> int:
    """A file in which something stands whenever a trainer has ended."""
    ended, woken = os.pipe()
    for end in (ended, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return ended


def _answer_ends(channel: socket.socket, ended: int) -> None:
    os.read(ended, MESSAGE)
    for process, code in _gone():
        _answer(channel, process=process, code=code)


def _take_order(channel: socket.socket) -> bool:
    """Starts what the next line asks for; false if there is none any more."""
    message, files, *_ = socket.recv_fds(channel, MESSAGE, 1)
    if not message:
        return False
    while not message.endswith(b"\n"):  # of many runs, in several pieces
        if not (more := channel.recv(MESSAGE)):
            return False
        message += more
    asked, (ready,) = json.loads(message), files
    order = ProcessOrder(asked["program"], asked["arguments"], Path(asked["log"]), ready)
    _answer(channel, process=_forked(order, channel) if CAN_FORK else _spawned(order))
    os.close(ready)
    return True


def _answer(channel: socket.socket, **said: int) -> None:
    channel.sendall(json.dumps(said).encode() + b"\n")


def _has_trainer() -> bool:
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _gone() -> Iterator[tuple[int, int]]:
    """Trainers that have ended, and how: the exit code, or the signal as a negative number."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not process:
            return
        yield process, os.waitstatus_to_exitcode(status)


def _forked(order: ProcessOrder, channel: socket.socket) -> int:
    process = os.fork()
    if not process:
        channel.close()  # who waits for its end waits for the server's
        _become(order)
    return process


def _become(order: ProcessOrder) -> NoReturn:
    """The rest of the life of a process that was forked."""
    # So that it can be killed with what it starts (compilers), and no Ctrl-C reaches it.
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _speak_to(order.log)
    _be_called(order.arguments[0].partition(":")[0] if order.arguments else order.program)
    arguments = *_started_by(os.getppid(), order), *order.arguments
    run_and_exit(PROGRAMS[order.program], arguments)


def _be_called(name: str) -> None:
    """The name that `top` and `ps -o comm` show, of 15 characters."""
    # Not by the library that rewrites commands: where it is installed, Celery does that, too, and
    # workers are known by theirs.
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())


def _speak_to(log_file: Path) -> None:
    """What is written goes there, and nothing is read."""
    with log_file.open("ab") as output, Path(os.devnull).open() as nothing:
        for file, stream in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(file.fileno(), stream)


def _spawned(order: ProcessOrder) -> int:
    arguments = *_started_by(os.getpid(), order), *order.arguments
    with order.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"worker.{order.program}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(order.ready,),
            start_new_session=True,
        )
    process.returncode = 0  # as far as it needs to know: `_gone` waits for all
    return process.pid


def _started_by(server: int, order: ProcessOrder) -> tuple[str, ...]:
    return "--parent", str(server), "--ready", str(order.ready)


if __name__ == "__main__":
    main()
