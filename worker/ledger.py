"""One flush of a trainer's record: everything that is due, in the one transaction it is given."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import recording
from app.db.models import Run
from app.db.recording import StoredFile
from app.schemas.live import FrameMessage, MeasurementMessage
from app.schemas.measure import EVALUATORS, Evaluator, PhaseChange
from app.schemas.state import RunState
from app.schemas.words import grouped
from app.services import attempts
from app.services.queue import publish
from app.services.runs import move, record_event
from worker.entry import Beginning, Ending, Entry, Measured

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)
_SAID = {  # the plateau's end is the onset
    "onset": "The phase change sets in",
    "midpoint": "The phase change is half done",
    "end": "The phase change ends",
}


@dataclass(frozen=True, slots=True)
class Files:
    """What was put into the store for a flush, whose rows come now."""

    checkpoints: Sequence[StoredFile] = ()
    resume: StoredFile | None = None


@dataclass(slots=True)
class Ledger:
    """Writes the entries of one attempt; remembers only what makes the next flush cheap."""

    run_id: str
    attempt: int
    _previous: int | None = None  # the last measurement that was committed
    _speed: "Speedometer" = field(default_factory=lambda: Speedometer())

    def write(
        self, session: Session, run: Run, entries: Sequence[Entry], files: Files
    ) -> str | None:
        """Writes what is due; the URL of the resume point that was replaced, if one was.

        The caller holds the run's row. Written again after an unclear commit, it doubles nothing.
        """
        for entry in entries:
            if entry.beginning is not None:
                _begin(session, run, entry.beginning)
        self._add_rows(session, entries, files)
        self._follow(session, run, [entry.measured for entry in entries if entry.measured])
        self._announce(session, entries)
        replaced = None
        if files.resume is not None:
            replaced = recording.set_resume_point(session, self.run_id, self.attempt, files.resume)
        if entries and entries[-1].ending is not None:
            _end(session, run, entries[-1].ending)
        return replaced

    def committed(self, entries: Sequence[Entry]) -> None:
        """Tells the ledger that the transaction with these entries was committed."""
        for entry in entries:
            if entry.measured is not None:
                self._previous = entry.measured.measurement.sequences

    def _add_rows(self, session: Session, entries: Sequence[Entry], files: Files) -> None:
        key = (session, self.run_id, self.attempt)
        measured = [entry.measured for entry in entries if entry.measured]
        frames = {
            entry.measured.measurement.sequences: entry.frame
            for entry in entries
            if entry.measured and entry.frame is not None
        }
        recording.add_measurements(*key, [(one.measurement, one.computed_at) for one in measured])
        recording.add_frames(*key, frames)
        recording.add_checkpoints(*key, files.checkpoints)

    def _follow(self, session: Session, run: Run, measured: Sequence[Measured]) -> None:
        """Brings the run's row up to its latest measurement."""
        if not measured:
            return
        last = measured[-1].measurement
        if last.sequences > run.sequences or run.train_loss is None:
            run.fruitless_attempts = 0
        if last.sequences >= run.sequences:  # a resumed run passes where it has been once more
            run.sequences = last.sequences
            run.train_loss = last.loss[_TRAIN]
        run.sequences_per_second = self._speed.read(measured) or run.sequences_per_second
        _note_phase(session, run, measured[-1].phase)

    def _announce(self, session: Session, entries: Sequence[Entry]) -> None:
        """After the commit, sends open pages what they would otherwise have to read."""
        previous = None
        for entry in entries:
            if entry.measured is None:
                continue
            measurement = entry.measured.measurement
            if previous is None:
                previous = self._before(session, measurement.sequences)
            message = MeasurementMessage(
                previous=previous,
                computed_at=entry.measured.computed_at.isoformat(),
                measurement=measurement,
            )
            publish(session, self.run_id, message)
            if entry.frame is not None:
                publish(session, self.run_id, FrameMessage(sequences=measurement.sequences))
            previous = measurement.sequences

    def _before(self, session: Session, sequences: int) -> int | None:
        """The measurement before the one at `sequences`; asked of the database only at first."""
        if self._previous is None:
            return recording.last_measured(session, self.run_id, before=sequences)
        return self._previous


class Speedometer:
    """Sequences per second over the last few seconds, evaluation and recording included."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._seconds = seconds
        self._seen: deque[tuple[datetime, int]] = deque()

    def read(self, measured: Sequence[Measured]) -> float | None:
        """The speed up to the last of these measurements; None while there is but one."""
        self._seen.extend((one.computed_at, one.measurement.sequences) for one in measured)
        (last_at, last), seen = self._seen[-1], self._seen
        while len(seen) > 2 and (last_at - seen[1][0]).total_seconds() >= self._seconds:
            seen.popleft()
        passed = (last_at - seen[0][0]).total_seconds()
        return (last - seen[0][1]) / passed if passed > 0 else None


def _begin(session: Session, run: Run, beginning: Beginning) -> None:
    run.device, run.versions = beginning.device, beginning.versions
    recording.set_probe(session, run.id, beginning.probe)
    if run.state != RunState.STARTING:  # a cancel came first, or this is written again
        return
    for notice in beginning.notices:
        record_event(session, run, "notice", notice)
    move(session, run, RunState.RUNNING, message=beginning.message)


def _end(session: Session, run: Run, ending: Ending) -> None:
    if ending.state is RunState.QUEUED:
        attempts.give_back(session, run, ending.message)
    elif ending.state is RunState.LOST:
        attempts.lose(session, run, ending.message)
    elif ending.state is RunState.PAUSED:
        attempts.set_aside(session, run, ending.message)
    else:
        move(
            session,
            run,
            ending.state,
            message=ending.message,
            error_kind=ending.error_kind,
            error_message=ending.message if ending.error_kind else None,
        )


def _note_phase(session: Session, run: Run, phase: PhaseChange) -> None:
    """Keeps what is known of the phase change; an event for what was not known before."""
    for name, value in phase:
        if value is None:
            continue
        if name in _SAID and getattr(run, name) is None:
            message = f"{_SAID[name]} at {grouped(round(value))} sequences."
            record_event(session, run, "phase_change", message, sequences=round(value))
        setattr(run, name, value)
