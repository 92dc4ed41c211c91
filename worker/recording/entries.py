"""What a trainer hands to its recorder: plain data, so that nothing of torch is kept or copied."""

from dataclasses import dataclass
from datetime import datetime

from app.db.recording import StoredFrame
from app.schemas.measure import Measurement, PhaseChange, ProbeSequence
from app.schemas.state import ErrorKind, RunState
from worker.recording.store import Arrays


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement, when it left the model, and what is known of the phase change since."""

    measurement: Measurement
    computed_at: datetime
    phase: PhaseChange


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Weights and optimiser after `sequences`; where its moments were 0: `optimiser_from`."""

    sequences: int
    elapsed_seconds: float
    # Copies that nobody writes to any more: the recorder reads them later, while the next updates
    # are being made.
    arrays: Arrays
    optimiser_from: int = 0


@dataclass(frozen=True, slots=True)
class Beginning:
    """The trainer is ready: on what, with which versions, showing which probe."""

    device: str
    versions: dict[str, str]
    probe: tuple[ProbeSequence, ...]
    message: str
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How the attempt ends. For `lost` and `queued` the message is the reason.

    `error_kind`: of a run that failed, or that fails because it was lost too often by this.
    """

    state: RunState
    message: str = ""
    error_kind: ErrorKind | None = None
    alone: bool = False  # of `lost`: what others do to it, or it to them, must not happen again


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """One step of the record; what is not there was not due."""

    stage: str | None = None  # of starting, before the beginning
    beginning: Beginning | None = None
    measured: Measured | None = None
    frame: StoredFrame | None = None  # belongs to the measurement
    weights: Snapshot | None = None
    resume: Snapshot | None = None
    ending: Ending | None = None

    @property
    def size(self) -> int:
        """Roughly the bytes that it holds while it waits."""
        snapshots = [one for one in (self.weights, self.resume) if one is not None]
        tensors = sum(array.nbytes for one in snapshots for array in one.arrays.values())
        frame = self.frame
        pictures = len(frame.patterns) + len(frame.composition or b"") if frame else 0
        return 4096 + pictures + tensors


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the record of several runs: whose entry it is."""

    run_id: str
    entry: RecordEntry
