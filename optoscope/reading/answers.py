"""What the API answers, as far as the client reads it by name.

Hand-written and small; `tests/contracts/test_client.py` holds it against the API's own document.
What a newer server says besides is kept as attributes of the same names. Times are UTC.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

RunStateName = Literal[
    "queued",  # waits for a worker
    "starting",  # a trainer loads data and compiles
    "running",
    "pausing",
    "paused",
    "stopping",
    "finished",
    "failed",
    "cancelled",
    "lost",  # its trainer was silent for too long; another goes on from its last resume point
]
EVALUATORS = ("train", "new_label_pairs", "new_exemplars", "new_classes")  # as in events, in order


class Said(BaseModel):
    """Something that a server said at one moment."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PhasePlaces(Said):
    """Where the loss plateau ends and the drop happens, in sequences; None: not (yet) seen."""

    plateau_start: float | None
    plateau_end: float | None
    onset: float | None
    midpoint: float | None
    end: float | None
    reversal: float | None = None  # servers of before say none


class RunFacts(Said):
    """A run and where it stands. `train_loss`: nats; `progress`: 0 to 1."""

    id: str
    name: str
    tags: list[str]
    notes: str
    colour: str
    is_pinned: bool = False  # servers of before say none
    is_shelved: bool = False
    state: RunStateName
    is_terminal: bool
    description: list[str]
    dataset: str
    layers: int
    heads: int
    config_hash: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_seconds: float | None
    sequences: int
    total_sequences: int
    progress: float
    sequences_per_second: float | None
    seconds_left: float | None
    train_loss: float | None
    phase_change: PhasePlaces
    priority: int
    worker: str | None
    device: str | None
    error_kind: str | None
    error_message: str | None


class NumbersTogether(Said):
    """A number of several runs; None: none of them has it."""

    mean: float | None
    least: float | None
    most: float | None


class RunsTogether(Said):
    """Runs that have something in common. `value`: what, a study's id; None: they have none.
    `going`: how many have not ended. `numbers`: by the names of columns."""

    value: str | None
    title: str
    within: str
    runs: int
    going: int
    numbers: dict[str, NumbersTogether]


class StudyCourse(Said):
    """How far a study is. `state`: the liveliest of its runs' states; in the end the worst."""

    state: RunStateName
    runs: int
    by_state: dict[str, int]
    is_over: bool
    sequences: int
    total_sequences: int
    progress: float
    seconds_left: float | None


class StudyMember(Said):
    """A run of a study. `values`: what every axis is in it, by its field."""

    id: str
    name: str
    values: dict[str, str]
    is_reused: bool
    state: RunStateName
    progress: float
    train_loss: float | None
    midpoint: float | None
    end: float | None


class StudyFacts(Said):
    """A study; `runs` is empty in lists."""

    id: str
    name: str
    tags: list[str]
    notes: str
    created_at: datetime
    progress: StudyCourse
    runs: list[StudyMember] = []


class BoardFacts(Said):
    """A board; `version` rises with every change."""

    id: str
    title: str
    version: int
    texts: int
    figures: int


class AnalysisFacts(Said):
    """An analysis and where it stands: `done` of `total` parts."""

    id: str
    run_id: str
    kind: str
    request: dict[str, Any]
    checkpoints: list[int]
    state: RunStateName
    is_terminal: bool
    done: int
    total: int
    created_at: datetime
    error_message: str | None


class SavedWeights(Said):
    """A checkpoint: a safetensors file of `size` bytes."""

    sequences: int
    size: int
    sha256: str
    is_pinned: bool
    has_optimiser: bool
    created_at: datetime


class TimelineEntry(Said):
    """Something that happened to a run."""

    at: datetime
    kind: str
    message: str
    sequences: int | None


class PaperFacts(Said):
    """A figure or table of the paper, and how far it is here."""

    id: str
    name: str
    title: str
    asks: str
    state: str
    runs: int
    finished: int
    going: int
