"""The supervisor: starts a trainer for a run, watches it, and says what became of it.

It runs in Celery's pool process and loads no torch: a trainer is a process of its own, so that its
memory is freed by its exit and a crash takes nothing else down.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.db.engine import session_scope
from app.schemas.state import ACTIVE, RunState
from app.services import attempts
from app.services.queue import Outbox, transaction
from worker.patience import AWAY, patiently

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
CANCEL_SECONDS = 1.0  # a trainer may take to stop by itself when its run is cancelled: 2 s in all
STOP_SECONDS = 8.0  # ... to save when the worker shuts down or its run is paused
EXIT_SECONDS = 5.0  # ... to exit once its run has ended

Trainer = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Supervisor:
    """Trains runs for one worker, one at a time."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    worker: str  # its name, as users see it
    is_stopping: Callable[[], bool]

    def attend(self, run_id: str) -> None:
        """Trains a run, again if its trainer died; nothing if somebody else has it."""
        while not self.is_stopping():
            attempt = patiently(partial(self._claim, run_id))
            if attempt is None:
                return
            reason = self._train(run_id, attempt)
            patiently(partial(self._settle, run_id, attempt, reason))

    def _claim(self, run_id: str) -> int | None:
        with transaction(self.engine, self.outbox) as session:
            return attempts.claim(
                session,
                run_id,
                worker=self.worker,
                lease_seconds=self.settings.lease_seconds,
            )

    def _train(self, run_id: str, attempt: int) -> str:
        """Runs a trainer to its end; a sentence about how it ended."""
        try:
            trainer = self._start(run_id, attempt)
        except OSError as error:
            return f"The trainer could not be started: {error}."
        try:
            self._watch(trainer, run_id, attempt)
        finally:
            _kill(trainer)
        return _how_it_ended(trainer.returncode)

    def _start(self, run_id: str, attempt: int) -> Trainer:
        """The trainer's process, in a session of its own so that it can be killed with its like."""
        logs = self.settings.data_dir / "logs" / "runs"
        logs.mkdir(parents=True, exist_ok=True)
        compiled = str(self.settings.data_dir.resolve() / "cache" / "inductor")
        command = [sys.executable, "-m", "worker.trainer", run_id, str(attempt)]
        with (logs / f"{run_id}.log").open("ab") as output:
            return subprocess.Popen(
                [*command, "--parent", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"TORCHINDUCTOR_CACHE_DIR": compiled, **os.environ},
            )

    def _watch(self, trainer: Trainer, run_id: str, attempt: int) -> None:
        """Returns when the trainer has exited, or has overstayed its time."""
        deadline, was_told = float("inf"), False
        while monotonic() < deadline and not _has_exited(trainer):
            if self.is_stopping() and not was_told:
                trainer.terminate()
                deadline, was_told = min(deadline, monotonic() + STOP_SECONDS), True
            deadline = min(deadline, monotonic() + self._time_left(run_id, attempt))

    def _time_left(self, run_id: str, attempt: int) -> float:
        """How long the trainer may still run, by what its run's row says now."""
        try:
            with session_scope(self.engine) as session:
                state = claims.state_of(session, run_id, attempt)
                if state is RunState.STARTING:  # loading torch, it may not get to run for seconds
                    claims.renew_start(session, run_id, attempt, self.settings.lease_seconds)
        except AWAY:
            return float("inf")
        if state is RunState.STARTING and self.is_stopping():
            return 0.0  # it has nothing to save yet, and does not hear while it compiles
        if state is RunState.STOPPING:
            return CANCEL_SECONDS
        if state is RunState.PAUSING:
            return STOP_SECONDS
        return float("inf") if state in ACTIVE else EXIT_SECONDS

    def _settle(self, run_id: str, attempt: int, reason: str) -> None:
        """Records the end of an attempt whose trainer could not do so itself."""
        with transaction(self.engine, self.outbox) as session:
            run = claims.hold(session, run_id, attempt)
            if run is None:
                return
            log.warning("run %s, attempt %d: %s", run_id, attempt, reason)
            if self.is_stopping():
                attempts.give_back(session, run, "Its worker shuts down; the next one goes on.")
            else:
                attempts.lose(session, run, reason)


def _has_exited(trainer: Trainer) -> bool:
    """Whether it has, looking for a moment."""
    try:
        trainer.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(trainer: Trainer) -> None:
    """Ends the trainer and what it started (compilers), whatever they are doing."""
    with suppress(ProcessLookupError):  # all of them have gone by themselves
        os.killpg(trainer.pid, signal.SIGKILL)
    trainer.wait()


def _how_it_ended(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "The trainer was killed (SIGKILL), as happens when memory runs out."
    if returncode < 0:
        return f"The trainer crashed ({signal.Signals(-returncode).name})."
    return f"The trainer ended with exit code {returncode} and no word about the run."
