"""The supervisor: takes runs, starts a trainer for them, and says what became of it.

It runs in Celery's pool process and loads no torch: a trainer is a process of its own, so that its
memory is freed by its exit and a crash takes nothing else down. It is forked from one that has.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.db.claims import Claim
from app.services.runs import attempts
from app.services.runs.log_files import remove_logs_of_deleted
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.planning import plan
from worker.retry import AWAY, retry_while_away
from worker.room import lack_of_room
from worker.service.analyses import Analyses
from worker.service.data_files import fail_bad_files
from worker.service.fork_server import ForkServer
from worker.service.machine import memory_for
from worker.service.trainer_process import TrainerProcess
from worker.service.trouble import Trouble
from worker.service.watch import FOREVER, STOP_SECONDS, Watch

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
ROOM_SECONDS = 2.0  # between two looks at a disk that is nearly full


@dataclass(frozen=True, slots=True)
class TrainerEnd:
    """How a trainer ended. `was_ready`: it could train, and what ended it came later; `was_ended`:
    it had not ended by itself when its runs had gone."""

    reason: str
    was_ready: bool
    was_ended: bool = False


@dataclass(frozen=True)
class Supervisor:
    """Trains runs for one worker, one cohort at a time."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    worker: str  # its name, as users see it
    is_stopping: Callable[[], bool]
    forks: ForkServer
    trouble: Trouble = field(default_factory=Trouble)

    def attend(self, run_id: str) -> None:
        """Woken up for a run: trains what waits, the next in line first, until nothing does."""
        log.info("woken up for run %s", run_id)
        try:
            # Here, too: on this machine there may be no web server that does.
            tidy = partial(remove_logs_of_deleted, self.engine, self.settings.data_dir)
            retry_while_away(tidy, is_stopping=self.is_stopping)
            # Within the task, so that a worker that cannot train takes no wake-ups from those that
            # can: Celery hands it none before this returns.
            while self._can_train():
                # In turns: an analysis takes seconds, and waits for no more than one cohort; nor do
                # runs wait for more than one of them.
                has_analysed = self._analyses().attend_one()
                taken = retry_while_away(self.take, is_stopping=self.is_stopping)
                if not taken and not has_analysed:
                    return
                look = partial(fail_bad_files, self.settings, self.engine, self.outbox, taken)
                if sound := retry_while_away(look, is_stopping=self.is_stopping):
                    self._train(sound)
        except AWAY:
            log.warning("stopped while Postgres was away; the leases of its runs will end")

    def take(self) -> list[Claim]:
        """Claims what is trained next; nothing if no run waits."""
        with transaction(self.engine, self.outbox) as session:
            lease, worker = self.settings.lease_seconds, self.worker
            # The answer to the commit of a claim may be lost, and then this is done again.
            return attempts.take_again(session, worker=worker, lease_seconds=lease) or plan(
                session,
                worker=worker,
                lease_seconds=lease,
                most=self.settings.cohort_size,
                # Measured while no trainer of this worker runs; what others on the machine take
                # meanwhile is not known, hence only a share of it is planned with.
                memory=memory_for(self.settings.device),
            )

    def _analyses(self) -> Analyses:
        is_stopping, forks = self.is_stopping, self.forks
        return Analyses(self.settings, self.engine, self.outbox, self.worker, is_stopping, forks)

    def _can_train(self) -> bool:
        """Whether trainers can be started, waiting until they can; False: the worker stops."""
        while not self.is_stopping():
            if lack := lack_of_room(self.settings, to_begin=True):
                log.warning("no run is taken: %s", lack)
                self._wait(ROOM_SECONDS)
            elif self.trouble.tries:
                self._wait(self.trouble.pause)
                # Of no run: nothing is claimed, and no run's timeline filled, by trying.
                self._note(self._run_trainer([]))
            else:
                return True
        return False

    def _wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not self.is_stopping():
            time.sleep(POLL_SECONDS)

    def _train(self, taken: Sequence[Claim]) -> None:
        ended = self._run_trainer(taken)
        # Only when the trainer is gone: settled before, a run would wait for the next worker
        # while somebody still writes its files. Done twice, it finds nothing the second time.
        settle = partial(self._settle, taken, ended)
        retry_while_away(settle, is_stopping=self.is_stopping)
        self._note(ended)

    def _note(self, ended: TrainerEnd) -> None:
        if ended.was_ready:
            self.trouble.clear()
        # Else it was ended while it got ready, and nobody knows whether it could have trained.
        elif not (ended.was_ended or self.is_stopping()):
            log.error("this worker cannot train: %s", ended.reason)
            self.trouble.meet(ended.reason)

    def _run_trainer(self, taken: Sequence[Claim]) -> TrainerEnd:
        """Runs a trainer to its end."""
        try:
            trainer = TrainerProcess(self.settings, self.forks, taken)
        except OSError as error:
            return TrainerEnd(f"The trainer could not be started: {error}.", was_ready=False)
        try:
            self._watch(trainer, taken)
            was_ended = not trainer.has_exited(0)
        finally:
            # Also of one that has exited by itself: its compilers would go on.
            trainer.end()
        return TrainerEnd(trainer.how_it_ended(), trainer.is_ready, was_ended)

    def _watch(self, trainer: TrainerProcess, taken: Sequence[Claim]) -> None:
        """Returns when the trainer has exited, or has overstayed its time."""
        stops = self.is_stopping
        watch = Watch(self.settings, self.engine, self.outbox, taken, stops, trainer)
        deadline, was_told = FOREVER, False
        while monotonic() < deadline and not trainer.has_exited(POLL_SECONDS):
            if stops() and not was_told:
                # Once: the deadline counts from here, and a second signal would not make it any
                # faster.
                trainer.terminate()
                deadline, was_told = min(deadline, monotonic() + STOP_SECONDS), True
            if taken:
                # Only ever nearer: a trainer whose runs are resumed while it saves must not gain
                # time by that.
                deadline = min(deadline, monotonic() + watch.time_left())

    def _settle(self, taken: Sequence[Claim], ended: TrainerEnd) -> None:
        """Records the end of attempts whose trainer could not do so itself."""
        with transaction(self.engine, self.outbox) as session:
            # Those whose endings the trainer has not recorded: in the usual case none.
            for run in claims.hold_runs(session, taken):
                log.warning("run %s, attempt %d: %s", run.id, run.attempt, ended.reason)
                if self.is_stopping():
                    said = "Its worker shuts down; the next one goes on."
                    attempts.give_back(session, run, said)
                elif ended.was_ready:
                    attempts.lose(session, run, ended.reason)
                else:  # no fault of the run's: no attempt of its is counted
                    said = f"{ended.reason} It waits for a worker that can train."
                    attempts.give_back(session, run, said)
