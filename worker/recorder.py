"""The recorder: a thread that writes a trainer's record, so that recording costs no training.

Everything that waits is written in one transaction at most every `flush_seconds`, together with
the renewal of the lease, and only while the attempt still owns the run. While Postgres is away it
keeps trying, and what it has not written waits in the backlog.
"""

import logging
import threading
from collections.abc import Sequence
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.schemas.state import RunState
from app.services.queue import Outbox, transaction
from worker.backlog import Backlog
from worker.entry import Ending, Entry, Snapshot
from worker.ledger import Files, Ledger
from worker.patience import patiently
from worker.store import Store

log = logging.getLogger(__name__)

RENEWALS = 5  # of the lease, in the time that it lasts


class StaleAttemptError(Exception):
    """Another attempt owns the run now, or it has ended: nothing may be written any more."""


class Recorder:
    """Writes what it is handed, in that order, until an ending is written."""

    def __init__(
        self,
        engine: Engine,
        outbox: Outbox,
        store: Store,
        settings: Settings,
        run_id: str,
        attempt: int,
    ) -> None:
        self._engine, self._outbox, self._store, self._settings = engine, outbox, store, settings
        self._run_id, self._attempt = run_id, attempt
        self._ledger = Ledger(run_id, attempt)
        self._backlog = Backlog()
        self._renewed_at = float("-inf")
        self._failure: Exception | None = None
        self._cancelled, self._paused = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked for the run to stop."""
        return self._cancelled.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether somebody asked for the run to be set aside."""
        return self._paused.is_set()

    @property
    def has_failed(self) -> bool:
        """Whether nothing more will be written; `record` says why."""
        return self._failure is not None

    def record(self, entry: Entry) -> None:
        """Hands an entry over, waiting while the backlog is full; raises if nobody writes it."""
        if not self._backlog.put(entry):
            raise self._failure or StaleAttemptError(f"run {self._run_id} has ended")

    def finish(self, ending: Ending, *, resume: Snapshot | None = None) -> None:
        """Has everything written, the ending last."""
        self.record(Entry(ending=ending, resume=resume))
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            ended = False
            while not ended:
                begun = monotonic()
                entries = self._backlog.take(self._settings.flush_seconds)
                self._flush(entries)
                ended = bool(entries) and entries[-1].ending is not None
                if not ended:
                    self._backlog.rest(begun + self._settings.flush_seconds)
        except Exception as error:  # whatever it is, the trainer must hear of it
            self._failure = error
        finally:
            self._backlog.close()

    def _flush(self, entries: Sequence[Entry]) -> None:
        files = self._save_files(entries)  # before the transaction: no disk is waited for in it
        replaced = patiently(lambda: self._write(entries, files))
        self._ledger.committed(entries)
        if replaced is not None:
            self._remove(replaced)

    def _write(self, entries: Sequence[Entry], files: Files) -> str | None:
        renews = monotonic() - self._renewed_at > self._settings.lease_seconds / RENEWALS
        with transaction(self._engine, self._outbox) as session:
            run = claims.hold(session, self._run_id, self._attempt)
            if run is None:
                raise StaleAttemptError(
                    f"run {self._run_id} is no longer attempt {self._attempt}'s"
                )
            if renews:
                claims.renew(run, self._settings.lease_seconds)
            if run.state == RunState.STOPPING:
                self._cancelled.set()
            if run.state == RunState.PAUSING:
                self._paused.set()
            replaced = self._ledger.write(session, run, entries, files)
        if renews:
            self._renewed_at = monotonic()
        return replaced

    def _remove(self, url: str) -> None:
        try:
            self._store.remove(url)
        except OSError as error:
            log.warning("%s is not needed any more but could not be removed: %s", url, error)

    def _save_files(self, entries: Sequence[Entry]) -> Files:
        saved = [entry.weights for entry in entries if entry.weights is not None]
        checkpoints = [
            self._store.save_checkpoint(one.sequences, one.arrays, one.optimiser_from)
            for one in saved
        ]
        points = [entry.resume for entry in entries if entry.resume is not None]
        if not points:
            return Files(checkpoints)
        last = points[-1]
        resume = self._store.save_resume_point(
            self._attempt,
            last.sequences,
            last.elapsed_seconds,
            last.arrays,
            last.optimiser_from,
        )
        return Files(checkpoints, resume)
