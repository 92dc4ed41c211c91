"""One flush of a trainer's record: everything that is due of all its runs, in one transaction."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from app.db import recording, runs
from app.db.claims import Claim, Standing
from app.db.models import Run
from app.db.recording import Progress, StoredFile
from app.schemas.api.events import FrameMessage, MeasurementMessage
from app.schemas.clamps.describe import Switch, switches
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Bracket, Evaluator, PhaseChange
from app.schemas.state import ErrorKind, RunState
from app.schemas.words import grouped
from app.services.runs import attempts
from app.services.runs.lifecycle import move, record_event, run_or_error
from app.services.runs.outbox import publish, publish_run
from app.services.series.brackets import phase_brackets
from worker.recording.entries import Beginning, Ending, Line, Measured, RecordEntry

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)
_PLACES = ("onset", "midpoint", "end")  # the plateau's end is the onset

T = TypeVar("T")
Entries = Mapping[Claim, Sequence[RecordEntry]]


@dataclass(frozen=True, slots=True)
class Files:
    """What was put into the store for a flush, whose rows come now."""

    checkpoints: Mapping[Claim, Sequence[StoredFile]] = field(default_factory=dict)
    resume: Mapping[Claim, StoredFile] = field(default_factory=dict)


class FlushWriter:
    """Writes the entries of some attempts; remembers only what makes the next flush cheap."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = {claim.run_id: claim for claim in claims}
        self._previous: dict[str, int] = {}  # the last measurement that was committed
        self._speed = {claim.run_id: Speedometer() for claim in claims}
        self._switches: dict[str, Sequence[Switch]] = {}

    def write(
        self,
        session: Session,
        standings: Mapping[str, Standing],
        lines: Sequence[Line],
        files: Files,
    ) -> set[str]:
        """Writes what is due of the runs that stand there; the URLs of files that are replaced.

        The caller holds those rows. Written again after an unclear commit, it doubles nothing.
        """
        # Runs that are no longer held are left out here, once for all that follows.
        entries = self._entries(standings, lines)
        for claim, of_run in entries.items():
            for entry in of_run:
                if entry.stage and standings[claim.run_id].state is RunState.STARTING:
                    _tell_stage(session, claim.run_id, entry.stage)
                if entry.beginning is not None:
                    # Before its ending: a run that begins and ends within one flush goes through
                    # RUNNING, as nothing may move from STARTING to FINISHED.
                    run = _begin(session, claim, standings[claim.run_id].state, entry.beginning)
                    program = RunConfig.model_validate(run.config).program
                    self._switches[run.id] = list(switches(program))
        # Rows before their announcement, progress and end, all in one commit: who sees the end
        # sees the last measurement, which streams rely on.
        replaced = self._add_rows(session, entries, _held(files.checkpoints, standings))
        self._follow(session, standings, entries)
        for claim, of_run in entries.items():
            # Only registers what is published after the commit, in the order of `sequences`.
            self._announce(session, claim, of_run)
        replaced |= recording.set_resume_points(session, _held(files.resume, standings))
        for claim, of_run in entries.items():
            # An ending is the last that a run hands over, so it is the last of its entries here.
            # It comes after the resume point: a run that waits again is claimed with this commit,
            # and must find it.
            if of_run[-1].ending is not None:
                _end(session, claim, of_run[-1].ending)
        return replaced

    def committed(self, lines: Sequence[Line]) -> None:
        """Tells the writer that the transaction with these lines was committed."""
        for line in lines:
            if line.entry.measured is not None:
                # Only of what is committed: `previous` must name a measurement that streams can
                # have got.
                self._previous[line.run_id] = line.entry.measured.measurement.sequences

    def _entries(self, standings: Mapping[str, Standing], lines: Sequence[Line]) -> Entries:
        """What is to be written, by run."""
        entries: dict[Claim, list[RecordEntry]] = {}
        for line in lines:
            if line.run_id in standings:
                entries.setdefault(self._claims[line.run_id], []).append(line.entry)
        return entries

    def _add_rows(
        self, session: Session, entries: Entries, files: Mapping[Claim, Sequence[StoredFile]]
    ) -> set[str]:
        measured = {
            claim: [(one.measurement, one.computed_at) for one in _measured(of_run)]
            for claim, of_run in entries.items()
        }
        frames = {
            claim: {
                entry.measured.measurement.sequences: entry.frame
                for entry in of_run
                if entry.measured and entry.frame is not None
            }
            for claim, of_run in entries.items()
        }
        recording.add_measurements(session, measured)
        recording.add_frames(session, frames)
        return recording.add_checkpoints(session, files)

    def _follow(
        self, session: Session, standings: Mapping[str, Standing], entries: Entries
    ) -> None:
        """Brings the runs' rows up to their latest measurements."""
        progress: list[Progress] = []
        for claim, of_run in entries.items():
            if measured := _measured(of_run):
                before = standings[claim.run_id]
                speed = self._speed[claim.run_id].read(measured)
                progress.append(_progress(claim.run_id, before, measured[-1], speed))
        recording.set_progress(session, progress)
        for one in progress:
            before = standings[one.run_id]
            _tell_phase(session, one.run_id, before.phase, one.phase)
            self._tell_lights(session, one.run_id, before.sequences, one.sequences)

    def _tell_lights(self, session: Session, run_id: str, before: int, now: int) -> None:
        """An event for every light that was switched since."""
        for switch in self._switches.get(run_id, ()):
            if before < switch.place <= now:
                run = run_or_error(session, run_id)
                record_event(session, run, "light", switch.said, sequences=switch.place)

    def _announce(self, session: Session, claim: Claim, entries: Sequence[RecordEntry]) -> None:
        """After the commit, sends open pages what they would otherwise have to read."""
        previous = None
        for entry in entries:
            if entry.measured is None:
                continue
            measurement = entry.measured.measurement
            if previous is None:
                # A resumed attempt measures places again that streams have sent: they drop what is
                # not past their last, until a measurement follows on it.
                previous = self._before(session, claim.run_id, measurement.sequences)
            if previous != measurement.sequences:  # else it was shown before the run trained
                message = MeasurementMessage(
                    previous=previous,
                    computed_at=entry.measured.computed_at.isoformat(),
                    measurement=measurement,
                )
                publish(session, claim.run_id, message)
            if entry.frame is not None:
                publish(session, claim.run_id, FrameMessage(sequences=measurement.sequences))
            previous = measurement.sequences

    def _before(self, session: Session, run_id: str, sequences: int) -> int | None:
        """The measurement before the one at `sequences`; asked of the database only at first."""
        if run_id not in self._previous:
            return recording.last_measured(session, run_id, before=sequences)
        return self._previous[run_id]


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


def _measured(entries: Sequence[RecordEntry]) -> list[Measured]:
    return [entry.measured for entry in entries if entry.measured is not None]


def _held(files: Mapping[Claim, T], standings: Mapping[str, Standing]) -> dict[Claim, T]:
    return {claim: file for claim, file in files.items() if claim.run_id in standings}


def _tell_stage(session: Session, run_id: str, stage: str) -> None:
    run = run_or_error(session, run_id)
    run.stage = stage
    session.flush()
    publish_run(session, run_id)


def _begin(session: Session, claim: Claim, state: RunState, beginning: Beginning) -> Run:
    run = run_or_error(session, claim.run_id)
    run.device, run.versions = beginning.device, beginning.versions
    recording.set_probe(session, run.id, beginning.probe)
    if state is RunState.STARTING:  # else a cancel came first, or this is written again
        for notice in beginning.notices:
            record_event(session, run, "notice", notice)
        move(session, run, RunState.RUNNING, message=beginning.message)
    return run


def _end(session: Session, claim: Claim, ending: Ending) -> None:
    # Read again: `set_progress` has written past the session, and the timeline takes the place
    # where the run stands from here.
    run = runs.locked_run(session, claim.run_id)
    assert run is not None  # its row is held
    if ending.state is RunState.QUEUED:
        attempts.give_back(session, run, ending.message)
    elif ending.state is RunState.LOST:
        kind = ending.error_kind or ErrorKind.WORKER_LOST
        attempts.lose(session, run, ending.message, kind, alone=ending.alone)
    # What was asked may have changed since the trainer left: these look at the state as it is held
    # now.
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


def _progress(run_id: str, before: Standing, latest: Measured, speed: float | None) -> Progress:
    last = latest.measurement
    is_new = last.sequences > before.sequences or before.train_loss is None
    # A resumed run passes where it has been once more.
    is_ahead = last.sequences >= before.sequences
    return Progress(
        run_id,
        last.sequences if is_ahead else before.sequences,
        last.loss[_TRAIN] if is_ahead else before.train_loss,
        speed or before.sequences_per_second,
        0 if is_new else before.fruitless_attempts,
        latest.phase if is_ahead else before.phase,
    )


def _tell_phase(session: Session, run_id: str, before: PhaseChange, now: PhaseChange) -> None:
    """An event for what was not known of the phase change before."""
    if now == before:
        return
    # Of the row and the measurements as they are written by now.
    between = phase_brackets(session, run_id)
    run = run_or_error(session, run_id)
    for name in _PLACES:
        place = getattr(now, name)
        if place is not None and place != getattr(before, name):
            message = f"Phase change: {name} {_known(place, getattr(between, name))} sequences."
            record_event(session, run, "phase_change", message, sequences=round(place))
    if now.reversal is not None and now.reversal != before.reversal:
        message = "Phase change reversed: the loss is back above where it set in."
        record_event(session, run, "phase_reversed", message, sequences=round(now.reversal))


def _known(place: float, between: Bracket | None) -> str:
    """As well as the measurements know it."""
    if between is None or between.after is None:
        return f"by {grouped(round(place))}"
    return f"between {grouped(between.after)} and {grouped(between.until)}"
