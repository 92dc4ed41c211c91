"""One training of a cohort, from its runs' rows to their endings. Loads the science."""

import gc
import logging
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite, isnan
from time import monotonic

import numpy as np
import torch
from sqlalchemy import Engine

from app.config import Settings
from app.db.claims import Claim
from app.db.recording import StoredFrame
from app.schemas.measure import EVALUATORS, Evaluator, Measurement, PhaseChange
from app.schemas.state import ErrorKind, RunState
from app.schemas.words import grouped
from worker.recording.entries import Beginning, Ending, Measured, RecordEntry, Snapshot
from worker.recording.recorder import Recorder
from worker.room import lack_of_room
from worker.science.machine.devices import allow_tf32, choose_device
from worker.science.training.cohort import Cohort
from worker.science.training.loop import Report
from worker.training.cohort_run import CohortRun, Datasets, load_cohort_run
from worker.training.faults import PASSING, fault_of
from worker.training.start_state import checkpoint_arrays
from worker.training.unused_gpu import unused_gpu

log = logging.getLogger(__name__)

ROOM_SECONDS = 1.0  # between two looks at the disks

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)


@dataclass
class TrainingSession:
    """Trains runs that were claimed, handing everything it learns to the recorder."""

    claims: Sequence[Claim]
    settings: Settings
    engine: Engine
    recorder: Recorder
    stop: threading.Event  # set: the worker shuts down, another will go on
    _runs: list[CohortRun] = field(default_factory=list, init=False)
    _cohort: Cohort = field(init=False)
    _lack: str = field(default="", init=False)  # of room on a disk; the runs are given back
    _looked_at: float = field(default=0.0, init=False)

    def run(self) -> None:
        """Trains every run to its end, a cancel, a pause, a stop or an error, and has it recorded.

        An error ends those that it concerns. One that concerns all is not blamed on any: each is
        tried again alone.
        """
        self._runs = self._load()
        try:
            if self._runs:
                self._train()
        except Exception as error:
            # The error is then the recorder's, or follows from it: no ending could be handed over,
            # and the trainer says so by itself.
            if self.recorder.has_failed:
                raise
            log.exception("%s", ", ".join(run.run_id for run in self._runs))
            for run in self._going():
                # Without a resume point: what raised may have left the state in the middle of an
                # update.
                self._end(run, _failed(error, with_others=len(self._runs) - 1))
        # Waits for the last flush: after this the process ends, and what is not committed is lost.
        self.recorder.finish()

    def _load(self) -> list[CohortRun]:
        """The runs that can be trained; the others fail, each for its own reason."""
        self._tell("loads its data")
        datasets, runs = Datasets(), []
        for claim in self.claims:
            store = self.recorder.store(claim.run_id)
            try:
                runs.append(load_cohort_run(self.engine, store, claim.run_id, datasets))
            except Exception as error:
                log.exception("run %s failed", claim.run_id)
                # At once and not after the others: they may train for hours.
                self.recorder.end(claim.run_id, _failed(error))
        return runs

    def _tell(self, stage: str) -> None:
        """Says what a start is at, which may take minutes."""
        # Not of those that have failed while loading: an ending is the last that is handed over.
        going = [run.run_id for run in self._going()]
        for run_id in going or [claim.run_id for claim in self.claims]:
            self.recorder.record(run_id, RecordEntry(stage=stage))

    def _going(self) -> list[CohortRun]:
        return [run for run in self._runs if not run.is_over]

    def _train(self) -> None:
        runs, device = self._runs, choose_device(self.settings.device)
        allow_tf32(self.settings.tf32)
        self._cohort = cohort = Cohort(
            [run.config for run in runs],
            [run.dataset for run in runs],
            resume=[run.state for run in runs],
            compile=self.settings.compile,
            threads=self.settings.threads,
            should_stop=self._should_stop,
            donors={text: donor for run in runs for text, donor in run.donors.items()},
            device=device,
        )
        for reports in cohort.first_reports():
            for report in reports:
                self._show(runs[report.run], report)
        # Before the runs are said to train: compiling takes seconds, in which nobody looks at
        # `leaving`. The supervisor gives a worker that stops no time for runs that have not begun.
        cohort.warm_up(self._tell)
        gc.freeze()  # else each full collection walks all of torch: a third of a second
        for index, run in enumerate(runs):
            self.recorder.record(run.run_id, RecordEntry(beginning=self._beginning(index, run)))
        for reports in cohort.reports():
            for report in reports:
                self._take(runs[report.run], report)
        for run in self._going():
            self._end_where_it_is(run)

    def _should_stop(self) -> bool:
        """Asked every few updates; lets those go first that were asked to leave."""
        self.recorder.moves()
        # Looked at once: the recorder's thread puts another mapping in its place at any moment, and
        # who resumes a run that was to pause takes it out again.
        leaving = self.recorder.leaving
        for run in self._going() if leaving else ():
            if run.run_id in leaving:
                self._let_go(run, leaving[run.run_id])
        return self.stop.is_set() or self.recorder.has_failed or self._lacks_room()

    def _lacks_room(self) -> bool:
        """Whether a disk is nearly full; looked at once a second, as updates take less than one."""
        if not self._lack and monotonic() - self._looked_at >= ROOM_SECONDS:
            self._looked_at = monotonic()
            self._lack = lack_of_room(self.settings)
        return bool(self._lack)

    def _let_go(self, run: CohortRun, target: RunState | None) -> None:
        """Ends a run as it was asked to; `None`: it is another's, and nothing is to be said."""
        index = self._runs.index(run)
        # First out, then saved: this runs between two updates, so the snapshot is of the place
        # that is said here, and nothing trains the run any further.
        self._cohort.leave(index)
        if target is RunState.PAUSED:
            place = grouped(self._cohort.sequences_of(index))
            said = f"Paused at {place} sequences; it goes on from there when it is resumed."
            self._end(run, Ending(target, said), resume=self._snapshot(index))
        elif target is not None:
            self._end(run, Ending(target))
        # Also of one that is another's: nothing may be handed over for it any more.
        run.is_over = True

    def _show(self, run: CohortRun, report: Report) -> None:
        """Lets be seen where a run begins, while its programs are compiled. It is recorded as a
        whole when it trains."""
        run.shown_at = datetime.now(UTC)
        measured = Measured(report.measurement, run.shown_at, PhaseChange())
        if _is_finite(report.measurement):
            self.recorder.record(run.run_id, RecordEntry(measured=measured))

    def _take(self, run: CohortRun, report: Report) -> None:
        """Records a report; what has diverged fails, and what was the last is the end."""
        # It left while this report was being made.
        if run.is_over:
            return
        measurement = report.measurement
        # Handed over before its ending, and in the order of `sequences`: the recorder keeps the
        # order. Waits here while the backlog is full.
        self.recorder.record(run.run_id, self._entry(run, report))
        if not _is_finite(measurement):
            self._cohort.leave(report.run)
            self._end(run, _diverged(measurement))
        elif measurement.sequences == run.config.training.total_sequences:
            self._end(run, Ending(RunState.FINISHED))

    def _entry(self, run: CohortRun, report: Report) -> RecordEntry:
        measurement = report.measurement
        phase = run.detector.add(measurement.sequences, measurement.loss[_TRAIN])
        computed_at, run.shown_at = run.shown_at or datetime.now(UTC), None
        is_sound = _is_finite(measurement)  # what has diverged is no place to go on from
        return RecordEntry(
            measured=Measured(measurement, computed_at, phase),
            frame=_frame(report),
            weights=self._checkpoint(report) if is_sound else None,
            resume=self._snapshot(report.run) if is_sound and self._is_due(run) else None,
        )

    def _is_due(self, run: CohortRun) -> bool:
        """Whether a resume point is."""
        # By the time since the last one was handed over, whether or not it is written yet.
        is_due = monotonic() - run.saved_at >= self.settings.resume_seconds
        if is_due:
            run.saved_at = monotonic()
        return is_due

    def _end_where_it_is(self, run: CohortRun) -> None:
        """Ends a run that nobody ended: it is through (resumed at its end), the worker stops, or
        there is no room for what it would write; for its resume point there is."""
        index = self._runs.index(run)
        sequences = self._cohort.sequences_of(index)
        if sequences >= run.config.training.total_sequences:
            self._end(run, Ending(RunState.FINISHED))
            return
        place = grouped(sequences)
        if self._lack:
            reason = f"Set aside at {place} sequences. {self._lack} It goes on by itself then."
        else:
            reason = f"Its worker shuts down; the next one goes on from {place} sequences."
        self._end(run, Ending(RunState.QUEUED, reason), resume=self._snapshot(index))

    def _end(self, run: CohortRun, ending: Ending, *, resume: Snapshot | None = None) -> None:
        run.is_over = True
        self.recorder.end(run.run_id, ending, resume=resume)

    def _beginning(self, index: int, run: CohortRun) -> Beginning:
        cohort, others = self._cohort, len(self._runs) - 1
        how = "Resumed" if cohort.is_resumed(index) else "Training"
        sequences = cohort.sequences_of(index)
        where = f" at {grouped(sequences)} sequences" if sequences else ""
        gpu = filter(None, [unused_gpu(self.settings.device)])
        together = f", with {others} other{'s' if others > 1 else ''}" if others else ""
        return Beginning(
            device=cohort.device,
            versions={
                "optoscope": version("optoscope"),
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            probe=tuple(cohort.probe(index)),
            message=f"{how}{where} on {cohort.device}{together}.",
            notices=(*run.notices, *cohort.notices, *gpu),
        )

    def _checkpoint(self, report: Report) -> Snapshot | None:
        if report.weights is None:
            return None
        # Of the report's own moment: the cohort stands still until the next report is asked for.
        state = self._cohort.state(report.run)
        arrays = checkpoint_arrays(report.weights, state, self._cohort.shape)
        return Snapshot(state.sequences, state.elapsed_seconds, arrays, state.optimiser_from)

    def _snapshot(self, index: int) -> Snapshot:
        state = self._cohort.state(index)
        arrays = {name: tensor.numpy() for name, tensor in state.tensors.items()}
        return Snapshot(state.sequences, state.elapsed_seconds, arrays, state.optimiser_from)


def _frame(report: Report) -> StoredFrame | None:
    if report.patterns is None or report.composition is None:
        return None
    return StoredFrame(*(_bytes(part) for part in (report.patterns, report.composition)))


def _bytes(numbers: np.ndarray) -> bytes:
    return numbers.astype("<f4").tobytes()


def _is_finite(measurement: Measurement) -> bool:
    return all(map(isfinite, measurement.loss))


def _failed(error: Exception, *, with_others: int = 0) -> Ending:
    kind, message = fault_of(error)
    if with_others:
        reason = f"Training failed for a whole cohort, so it is tried again alone. {message}"
        return Ending(RunState.LOST, reason, alone=True)
    if kind in PASSING:
        return Ending(RunState.LOST, f"{message} It is tried again.", kind)
    return Ending(RunState.FAILED, message, kind)


def _diverged(measurement: Measurement) -> Ending:
    became = "NaN" if any(map(isnan, measurement.loss)) else "infinite"
    place = grouped(measurement.sequences)
    return Ending(
        RunState.FAILED,
        f"The loss became {became} at {place} sequences; try a lower learning rate.",
        ErrorKind.DIVERGED,
    )
