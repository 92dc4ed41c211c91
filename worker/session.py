"""One attempt at a run, from its row to its ending. Alone in the worker, it loads the science."""

import logging
import platform
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite, isnan
from math import log as ln
from time import monotonic

import torch
from sqlalchemy import Engine

from app.config import Settings
from app.db import recording
from app.db.engine import session_scope
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Evaluator, Measurement
from app.schemas.state import RunState
from app.schemas.words import grouped
from app.services.runs import run_or_error
from worker.donors import Found, find_donors, load_donors
from worker.entry import Beginning, Ending, Entry, Measured, Snapshot
from worker.faults import fault_of
from worker.patience import patiently
from worker.recorder import Recorder
from worker.science.datasets import load_dataset
from worker.science.loop import Report, Trainer, cohort_shape
from worker.science.phase_change import PhaseDetector
from worker.starting import Saved, checkpoint_arrays, read_saved, starting_state
from worker.store import Store

log = logging.getLogger(__name__)

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)


@dataclass
class TrainingSession:
    """Trains a run that was claimed, handing everything it learns to the recorder."""

    run_id: str
    settings: Settings
    engine: Engine
    store: Store
    recorder: Recorder
    stop: threading.Event  # set: the worker shuts down, another will go on
    _saved_at: float = field(default_factory=monotonic)  # the last resume point, or the start

    def run(self) -> None:
        """Trains until the run's end, a cancel, a stop or an error, and has that recorded."""
        resume = None
        try:
            ending, resume = self._train(*self._load())
        except Exception as error:
            if self.recorder.has_failed:
                raise
            log.exception("run %s failed", self.run_id)
            kind, message = fault_of(error)
            ending = Ending(RunState.FAILED, message, kind)
        self.recorder.finish(ending, resume=resume)

    def _load(self) -> tuple[RunConfig, Saved, dict[str, Found]]:
        def read() -> tuple[RunConfig, Saved, dict[str, Found]]:
            with session_scope(self.engine) as session:
                run = run_or_error(session, self.run_id)
                config = RunConfig.model_validate(run.config)
                return config, read_saved(session, run), find_donors(session, config)

        return patiently(read)

    def _train(
        self, config: RunConfig, saved: Saved, found: dict[str, Found]
    ) -> tuple[Ending, Snapshot | None]:
        dataset = load_dataset(config.task, config.seeds.dataset)
        state, notices = starting_state(self.store, saved, cohort_shape(config, dataset))
        trainer = Trainer(
            [config],
            [dataset],
            resume=[state],
            compile=self.settings.compile,
            threads=self.settings.threads,
            should_stop=self._should_stop,
            donors=load_donors(self.store, config, dataset, found),
        )
        trainer.warm_up()
        self.recorder.record(Entry(beginning=_beginning(trainer, notices)))
        measured_here = 1 if trainer.resumed else 0  # else it is measured (once more) now
        detector = self._detector(config, before=trainer.sequences + measured_here)
        for (report,) in trainer.reports():
            measurement = report.measurement
            self.recorder.record(self._entry(trainer, report, detector))
            if not _is_finite(measurement):
                return _diverged(measurement), None
        return self._ending(trainer)

    def _should_stop(self) -> bool:
        recorder = self.recorder
        is_asked = recorder.is_cancelled or recorder.is_paused
        return self.stop.is_set() or is_asked or recorder.has_failed

    def _detector(self, config: RunConfig, *, before: int) -> PhaseDetector:
        """A detector that has seen what earlier attempts, or its parent, measured below that."""

        def read() -> Iterable[tuple[int, float]]:
            with session_scope(self.engine) as session:
                return recording.train_losses(session, self.run_id, before=before)

        detector = PhaseDetector(ln(config.task.context_labels))
        for sequences, loss in patiently(read):
            detector.add(sequences, loss)
        return detector

    def _entry(self, trainer: Trainer, report: Report, detector: PhaseDetector) -> Entry:
        measurement = report.measurement
        phase = detector.add(measurement.sequences, measurement.loss[_TRAIN])
        is_sound = _is_finite(measurement)  # what has diverged is no place to go on from
        return Entry(
            measured=Measured(measurement, datetime.now(UTC), phase),
            frame=None if report.patterns is None else report.patterns.astype("<f4").tobytes(),
            weights=_checkpoint(trainer, report) if is_sound else None,
            resume=_snapshot(trainer) if is_sound and self._is_resume_point_due() else None,
        )

    def _is_resume_point_due(self) -> bool:
        is_due = monotonic() - self._saved_at >= self.settings.resume_seconds
        if is_due:
            self._saved_at = monotonic()
        return is_due

    def _ending(self, trainer: Trainer) -> tuple[Ending, Snapshot | None]:
        if not trainer.stopped:
            return Ending(RunState.FINISHED), None
        if self.recorder.is_cancelled:
            return Ending(RunState.CANCELLED), None
        place = grouped(trainer.sequences)
        if self.recorder.is_paused:
            said = f"Paused at {place} sequences; it goes on from there when it is resumed."
            return Ending(RunState.PAUSED, said), _snapshot(trainer)
        reason = f"Its worker shuts down; the next one goes on from {place} sequences."
        return Ending(RunState.QUEUED, reason), _snapshot(trainer)


def _beginning(trainer: Trainer, notices: tuple[str, ...]) -> Beginning:
    how = "Resumed" if trainer.resumed else "Training"
    where = f" at {grouped(trainer.sequences)} sequences" if trainer.sequences else ""
    return Beginning(
        device=trainer.device,
        versions={
            "optoscope": version("optoscope"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        probe=tuple(trainer.probe(0)),
        message=f"{how}{where} on {trainer.device}.",
        notices=(*notices, *trainer.notices),
    )


def _checkpoint(trainer: Trainer, report: Report) -> Snapshot | None:
    if report.weights is None:
        return None
    state = trainer.state(0)
    arrays = checkpoint_arrays(report.weights, state, trainer.shape)
    return Snapshot(state.sequences, state.elapsed_seconds, arrays, state.optimiser_from)


def _snapshot(trainer: Trainer) -> Snapshot:
    state = trainer.state(0)
    arrays = {name: tensor.numpy() for name, tensor in state.tensors.items()}
    return Snapshot(state.sequences, state.elapsed_seconds, arrays, state.optimiser_from)


def _is_finite(measurement: Measurement) -> bool:
    return all(map(isfinite, measurement.loss))


def _diverged(measurement: Measurement) -> Ending:
    became = "NaN" if any(map(isnan, measurement.loss)) else "infinite"
    place = grouped(measurement.sequences)
    return Ending(
        RunState.FAILED,
        f"The loss became {became} at {place} sequences; try a lower learning rate.",
        "non_finite",
    )
