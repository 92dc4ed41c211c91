"""Analyses: takes one, starts a process for it, and says what became of it."""

import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import analyses
from app.schemas.state import RunState
from app.services.analyses import attempts
from app.services.analyses.attempts import Turn
from app.services.runs.outbox import Outbox, transaction
from worker.retry import AWAY, retry_while_away
from worker.service.fork_server import ForkedProcess, ForkServer

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
CANCEL_SECONDS = 1.0  # of a process that is in the middle of a part: 2 s in all
STOP_SECONDS = 8.0
RENEWALS = 5  # of the lease, in the time that it lasts
FOREVER = float("inf")


@dataclass
class Advance:
    """How long ago an analysis that goes on had its last new part."""

    done: int = -1
    since: float = FOREVER

    def seconds(self, state: RunState, done: int) -> float:
        """As of now; 0 before it has begun, for loading and compiling take their time."""
        now = monotonic()
        if state != RunState.RUNNING or done != self.done:
            self.done, self.since = done, now
        return now - self.since


@dataclass(frozen=True)
class Analyses:
    """Does analyses for one worker, one at a time, and none while it trains."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    worker: str
    is_stopping: Callable[[], bool]
    forks: ForkServer

    def attend_one(self) -> bool:
        """Does what has waited longest; whether there was any. Raises `AWAY` errors when it is to
        stop while Postgres is away."""
        turn = retry_while_away(self._claim, is_stopping=self.is_stopping)
        if turn is None:
            return False
        log.info("analysis %s, attempt %d", turn.analysis_id, turn.attempt)
        ended = self._do(turn)
        settle = partial(self._settle, turn, ended)
        retry_while_away(settle, is_stopping=self.is_stopping)
        return True

    def _claim(self) -> Turn | None:
        with transaction(self.engine, self.outbox) as session:
            lease = self.settings.lease_seconds
            return attempts.claim(session, worker=self.worker, lease_seconds=lease)

    def _do(self, turn: Turn) -> str:
        """Runs a process to its end; how it ended."""
        try:
            process = self._start(turn)
        except OSError as error:
            return f"It could not be started: {error}."
        try:
            said = self._watch(process, turn)
        finally:
            process.kill()  # and its compilers
        if said:
            return said
        code = process.returncode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"Its process ended ({how}) without a word."

    def _start(self, turn: Turn) -> ForkedProcess:
        """In a session of its own, so that it can be killed with what it starts."""
        with Path(os.devnull).open("wb") as nobody:
            arguments = [f"{turn.analysis_id}:{turn.attempt}"]
            log_file = _log(self.settings.data_dir, turn)
            return self.forks.fork("analyst", arguments, log_file, nobody.fileno())

    def _watch(self, process: ForkedProcess, turn: Turn) -> str:
        """Returns when it has exited, or has overstayed its time; keeps its lease meanwhile. Why it
        is ended, if it hangs."""
        deadline, renewed, was_told, advance = FOREVER, -FOREVER, False, Advance()
        while monotonic() < deadline and not process.has_exited(POLL_SECONDS):
            if self.is_stopping() and not was_told:
                process.terminate()
                deadline, was_told = min(deadline, monotonic() + STOP_SECONDS), True
            if monotonic() - renewed < min(self.settings.lease_seconds / RENEWALS, POLL_SECONDS):
                continue
            renewed = monotonic()
            deadline = min(deadline, monotonic() + self._time_left(turn, advance))
            if deadline == -FOREVER:
                return f"It had no new part for {self.settings.stall_seconds:.0f} s."
        return ""

    def _time_left(self, turn: Turn, advance: Advance) -> float:
        try:
            with transaction(self.engine, self.outbox) as session:
                lease = self.settings.lease_seconds
                renewed = analyses.renew(session, turn.analysis_id, turn.attempt, lease)
        except AWAY:
            return FOREVER
        # Ended, or another's by now; or somebody wants it to stop, and it is not heard in a part.
        if renewed is None or renewed[0] == RunState.STOPPING:
            return CANCEL_SECONDS
        hangs = advance.seconds(*renewed) > self.settings.stall_seconds
        return -FOREVER if hangs else FOREVER

    def _settle(self, turn: Turn, ended: str) -> None:
        """Records the end of a turn whose process could not do so itself."""
        with transaction(self.engine, self.outbox) as session:
            if self.is_stopping():
                attempts.give_back(session, turn)
            else:
                attempts.settle(session, turn, ended)


def _log(data_dir: Path, turn: Turn) -> Path:
    folder = data_dir / "logs" / "analyses"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{turn.analysis_id}.log"
