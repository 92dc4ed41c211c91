"""What the REST API says of studies."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.state import RunState


class AxisRead(BaseModel):
    """What varies in a study."""

    field: str = Field(description="As in the request; `run`: the runs that were given one by one")
    title: str
    labels: list[str]


class PlannedRun(BaseModel):
    """A run that a study would have."""

    name: str
    values: dict[str, str] = Field(description="What every axis is in it, by its field")
    config_hash: str
    reuses: str | None = Field(description="The finished run that would join; null: a new one")


class DuplicateRead(BaseModel):
    """A run that was left out, because another of the study has the same config."""

    name: str
    same_as: str


class StudyEstimate(BaseModel):
    """What the new runs of a study will cost."""

    new_runs: int
    reused_runs: int
    sequences: int
    seconds: float = Field(
        description="By one worker, which trains as many at once as it did before"
    )
    based_on: str
    measurements: int
    checkpoints: int
    checkpoint_bytes: int


class StudyDryRun(BaseModel):
    """What would be launched."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "2 runs by initial weights",
                    "axes": [
                        {"field": "seeds.initial", "title": "Initial weights", "labels": ["5", "6"]}
                    ],
                    "runs": [
                        {
                            "name": "Initial weights seed 5",
                            "values": {"seeds.initial": "5"},
                            "config_hash": "0" * 64,
                            "reuses": None,
                        }
                    ],
                    "duplicates": [],
                    "estimate": {
                        "new_runs": 2,
                        "reused_runs": 0,
                        "sequences": 2_000_000,
                        "seconds": 90.9,
                        "based_on": "no run like this has been timed here yet",
                        "measurements": 402,
                        "checkpoints": 402,
                        "checkpoint_bytes": 324_000_000,
                    },
                }
            ]
        }
    )

    name: str
    axes: list[AxisRead]
    runs: list[PlannedRun]
    duplicates: list[DuplicateRead]
    estimate: StudyEstimate


class StudyProgress(BaseModel):
    """How far a study is."""

    state: RunState = Field(description="The liveliest of its runs' states; in the end the worst")
    runs: int
    by_state: dict[RunState, int]
    is_over: bool = Field(description="Every run has ended")
    sequences: int
    total_sequences: int
    progress: float = Field(ge=0, le=1)
    sequences_per_second: float | None = Field(description="Of all runs that are training")
    seconds_left: float | None = Field(description="At the present rate; null unless training")


class StudyRead(BaseModel):
    """A study and how far it is."""

    id: str
    name: str
    tags: list[str]
    notes: str
    created_at: datetime
    axes: list[AxisRead]
    progress: StudyProgress


class StudyRunRead(BaseModel):
    """A run of a study; `GET /runs/{id}` says all of it."""

    id: str
    name: str
    colour: str = Field(description="`#RRGGBB`: its colour among the runs of the study")
    values: dict[str, str] = Field(description="What every axis is in it, by its field")
    is_reused: bool = Field(description="It was there before the study was launched")
    state: RunState
    sequences: int
    total_sequences: int
    progress: float = Field(ge=0, le=1)
    train_loss: float | None
    midpoint: float | None = Field(description="Midpoint of the phase change, in sequences")
    end: float | None = Field(description="Where its drop ends")


class WholeStudyRead(StudyRead):
    """A study with its runs, in the order of the request."""

    runs: list[StudyRunRead]


class StudyPage(BaseModel):
    """Some studies, and where the next ones start."""

    studies: list[StudyRead]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null at end")
