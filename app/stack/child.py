"""One child process: started with its log, known to be ready, stopped without leaving any behind.

Start children from a thread that lives as long as they should (the main thread): Linux ends a
child when the *thread* that started it ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.stack.leftovers import POLL_SECONDS, write_record
from app.stack.places import DataDir
from app.stack.trouble import StackError

LOG_BYTES = 10_000_000  # a longer log is set aside when its process starts
TAIL_LINES = 15
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """A system user, for servers that refuse to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """How a process is started, known to be ready, and asked to stop."""

    name: str  # what people call it; in lower case its log and its record
    command: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL  # sent when whoever started it has died
    grace_seconds: float = 10.0
    descriptors: tuple[int, ...] = ()  # open files that it inherits
    # False: it writes where we do, as what runs containers expects, and leaves no record: several
    # may share a data directory, with process numbers that mean something on their machine alone.
    has_log: bool = True


class Child:
    """A program that runs, or has run, or will."""

    def __init__(self, program: Program, data: DataDir) -> None:
        self.program = program
        self.log = data.logs / f"{program.name.lower().replace(' ', '-')}.log"
        self.started_at = 0.0  # monotonic
        self._record = data.records / f"{self.log.stem}.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """The process number; of the last one, if it has ended."""
        if self._process is None:
            raise RuntimeError(f"{self.program.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Starts the process, with its output going to the log."""
        # What a dead leader has left (a Celery pool process) would go on beside its successor,
        # with the same runs. Relies on the number not having been given to another since.
        self._end_group()
        program = self.program
        if program.has_log:
            _set_aside(self.log)
        account = program.account
        # Append mode puts every write at the end, also those of a predecessor's children that are
        # just dying.
        with self._output() as log:
            self._log_start = log.tell() if program.has_log else 0
            self._process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment},
                start_new_session=True,  # Ctrl-C is for us; we then stop them in order
                pass_fds=program.descriptors,
                # Python calls this when the account has been taken on: the kernel forgets the tie
                # of whoever changes its user.
                preexec_fn=_tie_to_parent(program.orphan_signal),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                cwd="/" if account else None,  # ours may be closed to that user
            )
        self.started_at = time.monotonic()
        # After the start, when there is a number. Killed in between, we leave no record; on Linux
        # the tie ends the child, elsewhere it lives on.
        if program.has_log:
            write_record(self._record, self.pid, program.command, program.stop_signal)

    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal); `None` while it runs."""
        return None if self._process is None else self._process.poll()

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def await_ready(
        self, *, seconds: float = 60.0, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        """Returns when it answers, or when interrupted; says why if it ends first."""
        deadline = time.monotonic() + seconds
        while not interrupted():
            # When something answers it is not asked whether the process lives: the supervisor
            # looks at that from then on.
            if self.program.ready():
                return
            if self.exit_code() is not None:
                raise StackError(f"{self.obituary()} while starting. {self.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.program.name} does not answer after {seconds:.0f} s. "
                    f"{self.last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """`kill -9`, and waits until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def request_stop(self) -> None:
        """Asks it to stop; `stop` waits for that."""
        if self._process is not None and self.is_running():
            # Popen sends nothing to what it has waited for, so the number cannot be another's by
            # now.
            self._process.send_signal(self.program.stop_signal)

    def stop(self) -> None:
        """Asks it to stop, waits for as long as it may take, then ends what is left."""
        self.request_stop()
        with suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                # Only the leader is waited for; its children get what `end` has for them.
                self._process.wait(timeout=self.program.grace_seconds)
        self.end()

    def end(self) -> None:
        """Ends what is left of it and of its children at once."""
        if self._process is not None:
            self._end_group()
            self._process.wait()
            # Last: killed before this, the next start still finds what is left of it.
            self._record.unlink(missing_ok=True)

    def restart(self) -> None:
        """Starts it again, stopped or killed, and waits until it answers."""
        self.stop()
        self.start()
        self.await_ready()

    def obituary(self) -> str:
        """How it ended, as the beginning of a sentence."""
        code = self.exit_code() or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return f"{self.program.name} {how}"

    def last_words(self) -> str:
        """The end of what this process has logged."""
        if not self.program.has_log:
            return "What it said stands above."
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        tail = "\n  ".join(lines[-TAIL_LINES:]) or "(nothing)"
        return f"Its log, {self.log}, ends with:\n  {tail}"

    def _output(self) -> IO[bytes]:
        """Where it writes: its log, or where we do."""
        if self.program.has_log:
            return self.log.open("ab")
        return os.fdopen(os.dup(sys.stderr.fileno()), "wb")

    def _end_group(self) -> None:
        """Ends what a dead leader left of its process group, so that none outlives it."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for zombies
                os.killpg(self._process.pid, signal.SIGKILL)


def _set_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        # Between two processes of this child: the one that ended writes no more.
        log.replace(log.with_suffix(".1.log"))


def _tie_to_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does before it becomes the program: asks to be told when its parent dies."""
    if LIBC is None:
        return None
    libc, parent = LIBC, os.getpid()

    def tie() -> None:
        # In the forked child, which has this thread only: a lock that another held at the fork is
        # never let go, so as little as possible is done here.
        libc.prctl(PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return tie
