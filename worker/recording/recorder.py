"""The recorder: a thread that writes a trainer's record, so that recording costs no training.

Everything that waits, of all runs, is written in one transaction at most every `flush_seconds`
(twice that while there are several runs: each has news less often then, and a flush costs them all
time), together with the renewal of the leases, and only of those runs that the attempts still own.
While Postgres is away it keeps trying, and what it has not written waits in the backlog.
"""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from time import monotonic

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims, lineage
from app.db.claims import Claim, Standing
from app.db.engine import session_scope
from app.db.recording import StoredFile
from app.schemas.state import RunState
from app.services.runs.outbox import Outbox, transaction
from worker.recording.backlog import Backlog
from worker.recording.entries import Ending, Line, RecordEntry, Snapshot
from worker.recording.flush import Files, FlushWriter
from worker.recording.store import Store
from worker.retry import retry_while_away

log = logging.getLogger(__name__)

RENEWALS = 5  # of the leases, in the time that they last
_LEAVES = {RunState.STOPPING: RunState.CANCELLED, RunState.PAUSING: RunState.PAUSED}


class StaleAttemptError(Exception):
    """Other attempts own the runs now, or they have ended: nothing may be written any more."""


class Recorder:
    """Writes what it is handed, in that order, until every run has its ending or is another's."""

    def __init__(
        self, engine: Engine, outbox: Outbox, settings: Settings, claims: Sequence[Claim]
    ) -> None:
        self._engine, self._outbox, self._settings = engine, outbox, settings
        self._claims = {claim.run_id: claim for claim in claims}  # those that are not over
        self._stores = {one: Store(settings.checkpoint_url, one) for one in self._claims}
        self._writer = FlushWriter(claims)
        self._backlog = Backlog()
        # Renewed with the first flush, which also comes when there is nothing to write: the
        # claim's lease has been running since the supervisor planned.
        self._renewed_at = float("-inf")
        self._moved_at: float | None = None  # when the training last went on; None: it loads
        self._is_still = False
        self._failure: Exception | None = None
        # Read by the trainer's thread without a lock: it is replaced as a whole and never changed.
        self._leaving: Mapping[str, RunState | None] = {}
        self._gone: dict[str, None] = {}
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        # Last: the thread uses all of the above. From here on `_claims`, `_gone` and the writer
        # are its own.
        self._thread.start()

    @property
    def leaving(self) -> Mapping[str, RunState | None]:
        """The runs that must not train on, and what is to become of each; None: it is another's."""
        return self._leaving

    @property
    def has_failed(self) -> bool:
        """Whether nothing more will be written; `record` says why."""
        return self._failure is not None

    def moves(self) -> None:
        """Says that the training goes on; once it was said, leases are kept only while it is said
        again: this thread would keep for ever what hangs in the other."""
        self._moved_at = monotonic()

    def store(self, run_id: str) -> Store:
        """Where the files of a run are."""
        return self._stores[run_id]

    def record(self, run_id: str, entry: RecordEntry) -> None:
        """Hands an entry over, waiting while the backlog is full; raises if nobody writes it."""
        if not self._backlog.put(Line(run_id, entry)):
            # The failure is set before the backlog is closed, so whoever is turned away finds it.
            raise self._failure or StaleAttemptError(f"run {run_id} has ended or is another's")

    def end(self, run_id: str, ending: Ending, *, resume: Snapshot | None = None) -> None:
        """Hands over the last entry of a run."""
        self.record(run_id, RecordEntry(ending=ending, resume=resume))

    def finish(self) -> None:
        """Returns when everything is written; every run was given its ending."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            # Runs that end or are lost leave `_claims`; without any there is nothing to hold, and
            # the trainer is turned away.
            while self._claims:
                begun = monotonic()
                lines = self._backlog.take(self._settings.flush_seconds)
                self._flush(lines)
                if self._claims:
                    # Less than the time between two renewals, by far: the lease is looked at in
                    # every flush, with or without lines.
                    self._backlog.rest(begun + self._pause)
        except Exception as error:  # whatever it is, the trainer must hear of it
            # First the reason, then the closing below: see `record`.
            self._failure = error
        finally:
            self._backlog.close()

    @property
    def _pause(self) -> float:
        """Seconds from a flush to the next."""
        return self._settings.flush_seconds * min(len(self._claims), 2)

    def _flush(self, lines: Sequence[Line]) -> None:
        # Not those of a run that was lost meanwhile: nobody would ever remove its files.
        lines = [line for line in lines if line.run_id in self._claims]
        files = self._save_files(lines)  # before the transaction: no disk is waited for in it
        replaced: set[str] = set()  # by any of the tries: the answer of one may have been lost
        retry_while_away(lambda: self._write(lines, files, replaced))
        # Not within the transaction, which may be tried several times: what the writer remembers
        # must be what is committed.
        self._writer.committed(lines)
        for line in lines:
            if line.entry.ending is not None:
                # It may be gone already: if the answer of a commit was lost, the second try finds
                # the run ended and takes it for another's.
                self._claims.pop(line.run_id, None)
        # Only now: until the commit, a crash would have resumed from the file before.
        self._remove(replaced)

    def _write(self, lines: Sequence[Line], files: Files, replaced: set[str]) -> None:
        # By this process's clock, and only how often; until when is the database's to say.
        is_due = monotonic() - self._renewed_at > self._settings.lease_seconds / RENEWALS
        renews = is_due and not self._stands_still()
        with transaction(self._engine, self._outbox) as session:
            # The first statement. What it returns is ours until the commit: no reaper, no cancel
            # and no other attempt comes in between. All that follows writes to these runs only.
            standings = claims.hold_all(session, list(self._claims.values()))
            if renews and standings:
                claims.renew(session, list(standings), self._settings.lease_seconds)
            # Also on a try that is rolled back later: that a run is lost, or was asked to stop,
            # was committed by others and does not change with us.
            self._look(standings)
            # Noted before the commit, whose answer may be lost.
            replaced |= self._writer.write(session, standings, lines, files)
        if renews:
            # After the commit: a renewal that was rolled back is none.
            self._renewed_at = monotonic()

    def _stands_still(self) -> bool:
        """Whether the training has not gone on for long; says so once."""
        moved_at, stall = self._moved_at, self._settings.stall_seconds
        was_still = self._is_still
        self._is_still = moved_at is not None and monotonic() - moved_at > stall
        if self._is_still and not was_still:
            log.error("no update was made for %.0f s: the leases are let go", stall)
        return self._is_still

    def _look(self, standings: Mapping[str, Standing]) -> None:
        """Notes which runs somebody else has by now, and which were asked to stop or to pause."""
        for run_id in self._claims.keys() - standings.keys():
            log.warning("run %s is no longer attempt %d's", run_id, self._claims[run_id].attempt)
            del self._claims[run_id]
            self._gone[run_id] = None
        asked = {
            run_id: _LEAVES[standing.state]
            for run_id, standing in standings.items()
            if standing.state in _LEAVES
        }
        # A new mapping, put there in one step: the trainer may be looking at the one before.
        self._leaving = {**self._gone, **asked}

    def _remove(self, urls: Collection[str]) -> None:
        """Removes files that were replaced, but for those that forks share or that are named again:
        a try that was rolled back has replaced nothing."""
        if not urls:
            return
        for url in {*urls} - retry_while_away(partial(self._still_named, urls)):
            try:
                Store.remove(url)
            except Exception as error:  # of whichever store it is; it costs room and nothing else
                log.warning("%s is not needed any more but could not be removed: %s", url, error)

    def _still_named(self, urls: Collection[str]) -> set[str]:
        with session_scope(self._engine) as session:
            return lineage.still_named(session, urls)

    def _save_files(self, lines: Sequence[Line]) -> Files:
        checkpoints: dict[Claim, list[StoredFile]] = {}
        points: dict[str, Snapshot] = {}
        for line in lines:
            if line.entry.weights is not None:
                file = self._save_checkpoint(line.run_id, line.entry.weights)
                checkpoints.setdefault(self._claims[line.run_id], []).append(file)
            if line.entry.resume is not None:
                points[line.run_id] = line.entry.resume
        # The latest of each run only: a flush after an outage holds many.
        resume = {self._claims[run]: self._save_point(run, one) for run, one in points.items()}
        return Files(checkpoints, resume)

    def _save_checkpoint(self, run_id: str, saved: Snapshot) -> StoredFile:
        store, attempt = self._stores[run_id], self._claims[run_id].attempt
        # Written before the claim is asked again, by an attempt that may be stale without knowing.
        return store.save_checkpoint(attempt, saved.sequences, saved.arrays, saved.optimiser_from)

    def _save_point(self, run_id: str, saved: Snapshot) -> StoredFile:
        return self._stores[run_id].save_resume_point(
            # In the file's name, so that a stale attempt never writes over the point of its
            # successor.
            self._claims[run_id].attempt,
            saved.sequences,
            saved.elapsed_seconds,
            saved.arrays,
            saved.optimiser_from,
        )
