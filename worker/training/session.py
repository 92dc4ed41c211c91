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
from app.schemas.measure import EVALUATORS, Evaluator, Measurement
from app.schemas.state import RunState
from app.schemas.words import grouped
from worker.recording.entries import Beginning, Ending, Measured, RecordEntry, Snapshot
from worker.recording.recorder import Recorder
from worker.science.machine.devices import allow_tf32, choose_device
from worker.science.training.cohort import Cohort
from worker.science.training.loop import Report
from worker.training.cohort_run import CohortRun, Datasets, load_member
from worker.training.faults import fault_of
from worker.training.start_state import checkpoint_arrays

log = logging.getLogger(__name__)

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)


@dataclass
class TrainingSession:
    """Trains runs that were claimed, handing everything it learns to the recorder."""

    claims: Sequence[Claim]
    settings: Settings
    engine: Engine
    recorder: Recorder
    stop: threading.Event  # set: the worker shuts down, another will go on
    _members: list[CohortRun] = field(default_factory=list, init=False)
    _cohort: Cohort = field(init=False)

    def run(self) -> None:
        """Trains every run to its end, a cancel, a pause, a stop or an error, and has it recorded.

        An error ends those that it concerns. One that concerns all is not blamed on any: each is
        tried again alone.
        """
        self._members = self._load()
        try:
            if self._members:
                self._train()
        except Exception as error:
            if self.recorder.has_failed:
                raise
            log.exception("%s", ", ".join(member.run_id for member in self._members))
            for member in self._going():
                self._end(member, _failed(error, with_others=len(self._members) - 1))
        self.recorder.finish()

    def _load(self) -> list[CohortRun]:
        """The runs that can be trained; the others fail, each for its own reason."""
        datasets, members = Datasets(), []
        for claim in self.claims:
            store = self.recorder.store(claim.run_id)
            try:
                members.append(load_member(self.engine, store, claim.run_id, datasets))
            except Exception as error:
                log.exception("run %s failed", claim.run_id)
                self.recorder.end(claim.run_id, _failed(error))
        return members

    def _going(self) -> list[CohortRun]:
        return [member for member in self._members if not member.is_over]

    def _train(self) -> None:
        members, device = self._members, choose_device(self.settings.device)
        allow_tf32(self.settings.tf32)
        self._cohort = cohort = Cohort(
            [member.config for member in members],
            [member.dataset for member in members],
            resume=[member.state for member in members],
            compile=self.settings.compile,
            threads=self.settings.threads,
            should_stop=self._should_stop,
            donors={text: donor for member in members for text, donor in member.donors.items()},
            device=device,
        )
        cohort.warm_up()
        gc.freeze()  # else each full collection walks all of torch: a third of a second
        for run, member in enumerate(members):
            self.recorder.record(member.run_id, RecordEntry(beginning=self._beginning(run, member)))
        for reports in cohort.reports():
            for report in reports:
                self._take(members[report.run], report)
        for member in self._going():
            self._end_where_it_is(member)

    def _should_stop(self) -> bool:
        """Asked before every update; lets those go first that were asked to leave."""
        for member in self._going() if self.recorder.leaving else ():
            if member.run_id in self.recorder.leaving:
                self._let_go(member, self.recorder.leaving[member.run_id])
        return self.stop.is_set() or self.recorder.has_failed

    def _let_go(self, member: CohortRun, target: RunState | None) -> None:
        """Ends a run as it was asked to; `None`: it is another's, and nothing is to be said."""
        run = self._members.index(member)
        self._cohort.leave(run)
        if target is RunState.PAUSED:
            place = grouped(self._cohort.sequences_of(run))
            said = f"Paused at {place} sequences; it goes on from there when it is resumed."
            self._end(member, Ending(target, said), resume=self._snapshot(run))
        elif target is not None:
            self._end(member, Ending(target))
        member.is_over = True

    def _take(self, member: CohortRun, report: Report) -> None:
        """Records a report; what has diverged fails, and what was the last is the end."""
        if member.is_over:
            return
        measurement = report.measurement
        self.recorder.record(member.run_id, self._entry(member, report))
        if not _is_finite(measurement):
            self._cohort.leave(report.run)
            self._end(member, _diverged(measurement))
        elif measurement.sequences == member.config.training.total_sequences:
            self._end(member, Ending(RunState.FINISHED))

    def _entry(self, member: CohortRun, report: Report) -> RecordEntry:
        measurement = report.measurement
        phase = member.detector.add(measurement.sequences, measurement.loss[_TRAIN])
        is_sound = _is_finite(measurement)  # what has diverged is no place to go on from
        return RecordEntry(
            measured=Measured(measurement, datetime.now(UTC), phase),
            frame=_frame(report),
            weights=self._checkpoint(report) if is_sound else None,
            resume=self._snapshot(report.run) if is_sound and self._is_due(member) else None,
        )

    def _is_due(self, member: CohortRun) -> bool:
        """Whether a resume point is."""
        is_due = monotonic() - member.saved_at >= self.settings.resume_seconds
        if is_due:
            member.saved_at = monotonic()
        return is_due

    def _end_where_it_is(self, member: CohortRun) -> None:
        """Ends a run that nobody ended: it is through (resumed at its end), or the worker stops."""
        run = self._members.index(member)
        sequences = self._cohort.sequences_of(run)
        if sequences >= member.config.training.total_sequences:
            self._end(member, Ending(RunState.FINISHED))
            return
        place = grouped(sequences)
        reason = f"Its worker shuts down; the next one goes on from {place} sequences."
        self._end(member, Ending(RunState.QUEUED, reason), resume=self._snapshot(run))

    def _end(self, member: CohortRun, ending: Ending, *, resume: Snapshot | None = None) -> None:
        member.is_over = True
        self.recorder.end(member.run_id, ending, resume=resume)

    def _beginning(self, run: int, member: CohortRun) -> Beginning:
        cohort, others = self._cohort, len(self._members) - 1
        how = "Resumed" if cohort.is_resumed(run) else "Training"
        sequences = cohort.sequences_of(run)
        where = f" at {grouped(sequences)} sequences" if sequences else ""
        together = f", with {others} other{'s' if others > 1 else ''}" if others else ""
        return Beginning(
            device=cohort.device,
            versions={
                "optoscope": version("optoscope"),
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            probe=tuple(cohort.probe(run)),
            message=f"{how}{where} on {cohort.device}{together}.",
            notices=(*member.notices, *cohort.notices),
        )

    def _checkpoint(self, report: Report) -> Snapshot | None:
        if report.weights is None:
            return None
        state = self._cohort.state(report.run)
        arrays = checkpoint_arrays(report.weights, state, self._cohort.shape)
        return Snapshot(state.sequences, state.elapsed_seconds, arrays, state.optimiser_from)

    def _snapshot(self, run: int) -> Snapshot:
        state = self._cohort.state(run)
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
        return Ending(RunState.LOST, reason)
    return Ending(RunState.FAILED, message, kind)


def _diverged(measurement: Measurement) -> Ending:
    became = "NaN" if any(map(isnan, measurement.loss)) else "infinite"
    place = grouped(measurement.sequences)
    return Ending(
        RunState.FAILED,
        f"The loss became {became} at {place} sequences; try a lower learning rate.",
        "non_finite",
    )
