"""What an archive of runs and studies holds, and what is said of one that was read.

Everything that is read from an archive passes through these: nothing of it is trusted.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from app.schemas.api.runs import Colour, Name, Notes, Tag
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement, ProbeSequence
from app.schemas.numbers import Place
from app.schemas.retention import Keep
from app.schemas.state import ErrorKind, Optimiser, RunState
from app.schemas.text import SOUND, Body, Text

FORMAT = 1  # raised when an older program could not read the archive any more
MOST_ROWS = 1_000_000  # events, checkpoints or runs that one file lists

Id = Annotated[str, StringConstraints(pattern="^[0-9a-z]{10}$")]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Word = Annotated[str, StringConstraints(max_length=200), SOUND]
Sentence = Annotated[str, StringConstraints(max_length=20_000), SOUND]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
_IMAGE = re.compile(r"data:image/png;base64,[0-9A-Za-z+/=]{,100000}")


class _Archived(Body):
    # NaN and infinity travel as such, as everywhere between programs of ours.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class ArchivedMember(_Archived):
    """A file of the archive, as it was written."""

    size: Annotated[int, Field(ge=0)]  # bytes
    sha256: Sha256


class ArchiveManifest(_Archived):
    """What an archive is, and all that is in it but itself; its last file."""

    format: Annotated[int, Field(ge=1)]
    program: Word  # the version of Optoscope that wrote it
    runs: list[Id]
    studies: list[Id]
    members: dict[Text, ArchivedMember]
    left_out: list[Sentence]  # what could not be had when it was written


class ArchivedFile(_Archived):
    """Weights; the file is `files/SHA256.safetensors` of the archive."""

    sequences: Place
    attempt: Count
    size: Annotated[int, Field(ge=1)]
    sha256: Sha256


class ArchivedCheckpoint(ArchivedFile):
    """Weights that were saved to be looked at."""

    has_optimiser: bool
    is_pinned: bool
    created_at: AwareDatetime


class ArchivedEvent(_Archived):
    """A line of a run's timeline."""

    at: AwareDatetime
    kind: Word
    message: Sentence
    sequences: Place | None


class ArchivedParent(_Archived):
    """The run that this one was forked from: enough to know it by."""

    id: Id
    created_at: AwareDatetime


class ArchivedAnalysis(_Archived):
    """A question that was answered; its parts are a file of their own."""

    id: Id
    kind: Word
    request: dict[str, Any]
    plan: dict[str, Any]
    cache_key: Sha256
    state: Literal["finished", "failed", "cancelled"]
    done: Count
    total: Count
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    attempt: Count
    worker: Word | None
    error_kind: Word | None
    error_message: Sentence | None


class ArchivedRow(_Archived):
    """The row of a run, without what only its server's workers need."""

    id: Id
    name: Name
    tags: Annotated[list[Tag], Field(max_length=1000)]
    notes: Notes
    colour: Colour | None
    config: dict[str, Any]
    config_hash: Sha256
    state: RunState
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    parent_name: Name | None
    forked_at: Place | None
    fork_optimiser: Optimiser | None
    data_sha256: Sha256 | None
    priority: Annotated[int, Field(ge=-100, le=100)]
    awaits: list[Word]
    companions: Count | None
    attempt: Count
    worker: Word | None
    device: Word | None
    versions: dict[Word, Word] | None
    error_kind: ErrorKind | None
    error_message: Sentence | None
    keep_checkpoints: Keep
    thinned_at: AwareDatetime | None
    sequences: Place
    total_sequences: Place
    sequences_per_second: float | None
    train_loss: float | None
    plateau_start: float | None
    plateau_end: float | None
    onset: float | None
    midpoint: float | None
    end: float | None
    reversal: float | None = None  # older archives have none

    @model_validator(mode="after")
    def _can_be_read(self) -> "ArchivedRow":
        RunConfig.model_validate(self.config)
        return self

    @property
    def read_config(self) -> RunConfig:
        return RunConfig.model_validate(self.config)


class ArchivedRun(_Archived):
    """Everything of a run but its measurements, frames, parts of analyses and weights."""

    run: ArchivedRow
    parent: ArchivedParent | None
    probe: list[ProbeSequence] | None
    events: Annotated[list[ArchivedEvent], Field(max_length=MOST_ROWS)]
    checkpoints: Annotated[list[ArchivedCheckpoint], Field(max_length=MOST_ROWS)]
    resume_point: ArchivedFile | None
    analyses: list[ArchivedAnalysis]

    @field_validator("probe")
    @classmethod
    def _drawings_are_drawings(cls, probe: list[ProbeSequence] | None) -> object:
        # They become addresses in pages: of pictures, and of nothing else.
        for token in (token for sequence in probe or () for token in sequence.tokens):
            if token.image is not None and not _IMAGE.fullmatch(token.image):
                raise ValueError("a drawing of a probe is no picture")
        return probe

    @property
    def files(self) -> list[ArchivedFile]:
        """Every file that it names."""
        return [*self.checkpoints, *([self.resume_point] if self.resume_point else [])]


class ArchivedMeasurement(Measurement):
    """A line of `measurements.jsonl`."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    sequences: Place
    attempt: Count
    computed_at: AwareDatetime


class ArchivedFrame(_Archived):
    """A line of `frames.jsonl`; both in base64, as rows of frames have them."""

    sequences: Place
    attempt: Count
    patterns: str
    composition: str | None


class ArchivedPart(_Archived):
    """A line of an analysis's parts."""

    place: Count
    found: dict[str, Any]


class ArchivedPlace(_Archived):
    """A run's place in a study."""

    run_id: Id
    place: Count
    name: Name
    values: dict[Text, Text]
    is_reused: bool


class ArchivedStudy(_Archived):
    """A study, with the places of those of its runs that are in the archive."""

    id: Id
    name: Name
    tags: Annotated[list[Tag], Field(max_length=1000)]
    notes: Notes
    request: dict[str, Any]
    axes: list[dict[str, Any]]
    created_at: AwareDatetime
    places: list[ArchivedPlace]


class ImportedThing(BaseModel):
    """A run or study of an archive, and what became of it."""

    id: str = Field(description="Its id here")
    was: str = Field(description="Its id in the archive: another where that was taken here")
    name: str
    is_new: bool = Field(description="False: it was here already, and nothing of it was changed")
    note: str = Field("", description="What is not as it was, in a sentence")


class ImportedArchive(BaseModel):
    """What an import brought."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "program": "0.2.0",
                    "studies": [],
                    "runs": [
                        {
                            "id": "8kq2m4x7vd",
                            "was": "8kq2m4x7vd",
                            "name": "Match fixed",
                            "is_new": True,
                            "note": "",
                        }
                    ],
                }
            ]
        }
    )

    program: str = Field(description="The version of Optoscope that wrote the archive")
    studies: list[ImportedThing]
    runs: list[ImportedThing]
