"""The fork server as its worker sees it: starts trainers that have loaded torch already."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from app.config import Settings
from app.services.runs.log_files import log_folder

_ANSWER = 2**16  # bytes
_LONG = 60.0  # seconds


class ForkServer:
    """Starts one trainer at a time. Starts itself when it is first needed, or is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Has it load torch meanwhile. From a thread that stays: it dies with it.

        Raises `OSError` if it cannot be started.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.end()  # what is left of one that was killed
        logs = log_folder(self._settings.data_dir).parent
        logs.mkdir(parents=True, exist_ok=True)
        compiled = str(self._settings.data_dir.resolve() / "cache" / "inductor")
        self.channel, theirs = socket.socketpair()
        with theirs, (logs / "fork-server.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.fork_server", "--parent", str(os.getpid())],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"TORCHINDUCTOR_CACHE_DIR": compiled, **os.environ},
            )

    @property
    def pid(self) -> int:
        """Its process, once it was started."""
        return self._process.pid if self._process else 0

    def fork(
        self, program: str, arguments: Sequence[str], log: Path, ready: int
    ) -> "ForkedProcess":
        """A `trainer` or `analyst` with these arguments, which writes to that file, and a byte to
        `ready`."""
        self.start()
        order = {"program": program, "arguments": arguments, "log": str(log.resolve())}
        message = json.dumps(order)
        socket.send_fds(self.channel, [message.encode(), b"\n"], [ready])
        return ForkedProcess(self)

    def end(self) -> None:
        """Ends it, and the trainer with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.channel.close()
            self._process = None


class ForkedProcess:
    """A process that the server has started, or will when it has loaded; as `subprocess.Popen`.

    `returncode`: None while it runs; a signal that ended it as a negative number.
    """

    def __init__(self, server: ForkServer) -> None:
        self._server, self._said = server, b""
        self._pid: int | None = None
        self._is_to_end = False
        self.returncode: int | None = None

    def has_exited(self, seconds: float) -> bool:
        """Whether it has, waiting for so long."""
        until = monotonic() + seconds
        while self.returncode is None:
            left = max(0.0, until - monotonic())
            if not select.select([self._server.channel], [], [], left)[0]:
                break
            self._hear()
        return self.returncode is not None

    def terminate(self) -> None:
        """SIGTERM, as soon as there is a process."""
        self._is_to_end = True
        if self._pid is not None and self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and what it has started, whatever they are doing."""
        self.has_exited(0)
        if self._pid is None:
            # It is not there yet, and must not come.
            self._server.end()
            self.returncode = -signal.SIGKILL
            return
        with suppress(ProcessLookupError):  # all of them have gone by themselves
            # The number is the group's as long as anybody in it lives, also when the process
            # itself has been waited for.
            os.killpg(self._pid, signal.SIGKILL)
        while not self.has_exited(_LONG):
            pass  # it was told by the kernel

    def _hear(self) -> None:
        heard = self._server.channel.recv(_ANSWER)
        if not heard:
            # The server was killed, and its trainer with it.
            self._server.end()
            self.returncode = -signal.SIGKILL
        *lines, self._said = (self._said + heard).split(b"\n")
        for line in lines:
            self._note(**json.loads(line))

    def _note(self, process: int, code: int | None = None) -> None:
        self._pid, self.returncode = process, code
        if code is None and self._is_to_end:
            self.terminate()
