"""The supervisor: takes runs, starts a trainer for them, and says what became of it.

It runs in Celery's pool process and loads no torch: a trainer is a process of its own, so that its
memory is freed by its exit and a crash takes nothing else down.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.db.claims import Claim
from app.services.runs import attempts
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.planning import plan
from worker.retry import retry_while_away
from worker.service.machine import memory_for
from worker.service.watch import FOREVER, STOP_SECONDS, Watch

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25

Trainer = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Supervisor:
    """Trains runs for one worker, one cohort at a time."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    worker: str  # its name, as users see it
    is_stopping: Callable[[], bool]

    def attend(self, run_id: str) -> None:
        """Woken up for a run: trains what waits, the next in line first, until nothing does."""
        log.info("woken up for run %s", run_id)
        while not self.is_stopping():
            # Relies on the answer of the commit arriving: one that is lost has claimed runs of
            # which nobody knows, and the next try claims others. Their leases end by themselves.
            taken = retry_while_away(self._plan)
            if not taken:
                return
            reason = self._train(taken)
            # Only when the trainer is gone: settled before, a run would wait for the next worker
            # while somebody still writes its files. Done twice, it finds nothing the second time.
            retry_while_away(partial(self._settle, taken, reason))

    def _plan(self) -> list[Claim]:
        with transaction(self.engine, self.outbox) as session:
            return plan(
                session,
                worker=self.worker,
                lease_seconds=self.settings.lease_seconds,
                most=self.settings.cohort_size,
                # Measured while no trainer of this worker runs; what others on the machine take
                # meanwhile is not known, hence only a share of it is planned with.
                memory=memory_for(self.settings.device),
            )

    def _train(self, taken: Sequence[Claim]) -> str:
        """Runs a trainer to its end; a sentence about how it ended."""
        try:
            trainer = self._start(taken)
        except OSError as error:
            return f"The trainer could not be started: {error}."
        try:
            self._watch(trainer, taken)
        finally:
            # Also of one that has exited by itself: its compilers would go on.
            _kill(trainer)
        return _how_it_ended(trainer.returncode)

    def _start(self, taken: Sequence[Claim]) -> Trainer:
        """The trainer's process, in a session of its own so that it can be killed with its like."""
        compiled = str(self.settings.data_dir.resolve() / "cache" / "inductor")
        command = [sys.executable, "-m", "worker.trainer", "--parent", str(os.getpid())]
        with self._log(taken).open("ab") as output:
            return subprocess.Popen(
                [*command, *(f"{claim.run_id}:{claim.attempt}" for claim in taken)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C of a terminal reaches us and not the trainer: we then ask it to save.
                start_new_session=True,
                env={"TORCHINDUCTOR_CACHE_DIR": compiled, **os.environ},
            )

    def _log(self, taken: Sequence[Claim]) -> Path:
        """The log of the trainer: that of its first run, which those of the others name."""
        logs = self.settings.data_dir / "logs" / "runs"
        logs.mkdir(parents=True, exist_ok=True)
        first, *others = (logs / f"{claim.run_id}.log" for claim in taken)
        for other, claim in zip(others, taken[1:], strict=True):
            with other.open("a") as output:
                output.write(f"attempt {claim.attempt} is trained with others: see {first.name}\n")
        return first

    def _watch(self, trainer: Trainer, taken: Sequence[Claim]) -> None:
        """Returns when the trainer has exited, or has overstayed its time."""
        watch = Watch(self.settings, self.engine, self.outbox, taken, self.is_stopping)
        deadline, was_told = FOREVER, False
        while monotonic() < deadline and not _has_exited(trainer):
            if self.is_stopping() and not was_told:
                # Once: the deadline counts from here, and a second signal would not make it any
                # faster.
                trainer.terminate()
                deadline, was_told = min(deadline, monotonic() + STOP_SECONDS), True
            # Only ever nearer: a trainer whose runs are resumed while it saves must not gain time
            # by that.
            deadline = min(deadline, monotonic() + watch.time_left())

    def _settle(self, taken: Sequence[Claim], reason: str) -> None:
        """Records the end of attempts whose trainer could not do so itself."""
        with transaction(self.engine, self.outbox) as session:
            # Those whose endings the trainer has not recorded: in the usual case none.
            for run in claims.hold_runs(session, taken):
                log.warning("run %s, attempt %d: %s", run.id, run.attempt, reason)
                if self.is_stopping():
                    said = "Its worker shuts down; the next one goes on."
                    attempts.give_back(session, run, said)
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
        # The number is the group's as long as anybody in it lives, also when the trainer itself
        # has been waited for.
        os.killpg(trainer.pid, signal.SIGKILL)
    trainer.wait()


def _how_it_ended(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "The trainer was killed (SIGKILL), as happens when memory runs out."
    if returncode < 0:
        return f"The trainer crashed ({signal.Signals(-returncode).name})."
    return f"The trainer ended with exit code {returncode} and no word about its runs."
