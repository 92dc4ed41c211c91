"""What the REST API says and takes. Times are RFC 3339 UTC; NaN and infinities are `null` with a
note of which under `nonfinite`, because JSON has no word for them.
"""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from app.schemas.api.lineage import Lineage
from app.schemas.api.series import NonFinite, example
from app.schemas.clamps.kinds import Program
from app.schemas.config import RunConfig
from app.schemas.measure import PhaseBrackets, PhaseChange
from app.schemas.numbers import Place
from app.schemas.retention import Keep
from app.schemas.state import Optimiser, RunState
from app.schemas.text import SOUND, Body, Shown

AUTOMATIC = "auto"  # as a run's colour


def _colour(text: str) -> str:
    if text == AUTOMATIC.upper():
        return AUTOMATIC
    if re.fullmatch("#[0-9A-F]{6}", text) is None:
        raise ValueError(f"{text!r} is no colour: write it as #4477AA, or {AUTOMATIC}.")
    return text


Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), SOUND]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), SOUND]
Notes = Annotated[str, StringConstraints(max_length=20_000), SOUND]
Priority = Annotated[int, Field(ge=-100, le=100)]
Colour = Annotated[str, StringConstraints(to_upper=True), SOUND, AfterValidator(_colour)]


class LaunchRequest(Body):
    """A run to launch. An empty config is the paper's main experiment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Induction head fixed",
                    "tags": ["fig 5b"],
                    "config": {
                        "training": {"sequences": 600_000},
                        "program": [
                            {
                                "kind": "set_pattern",
                                "site": "L1H3.pattern[query]",
                                "target": "induction",
                            },
                            {"kind": "ablate", "site": "L1H0,1,2,4,5,6,7.v"},
                        ],
                    },
                }
            ]
        },
    )

    config: RunConfig = RunConfig()
    name: Name = ""
    tags: list[Tag] = Field(default=[], max_length=20)
    notes: Notes = ""
    priority: Priority = Field(0, description="Of waiting runs the highest is trained first")


class ForkRequest(Body):
    """A new run from a checkpoint of this one. What is left out stays as it is in this run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sequences": 120_000,
                    "optimiser": "keep",
                    "program": [{"kind": "ablate", "site": "L1H3.v"}],
                    "until_sequences": 600_000,
                    "name": "Strongest head silenced at 120k",
                }
            ]
        },
    )

    sequences: Place = Field(description="Where: a run can be forked at its checkpoints")
    optimiser: Optimiser = Field(
        Optimiser.KEEP, description="Go on with Adam's moments, or begin with moments of 0"
    )
    program: Program | None = Field(None, description="Other clamps; `[]`: none at all")
    learning_rate: float | None = None
    data_seed: int | None = Field(None, description="Other training sequences from the fork on")
    until_sequences: int | None = Field(
        None, description="Where training ends, counted from the parent's beginning"
    )
    name: Name = ""
    tags: list[Tag] = Field(default=[], max_length=20)
    notes: Notes = ""


class RunSaid(Body):
    """What people say of a run; what is left out may be anything."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    tags: list[str] | None = Field(None, max_length=20)
    notes: str | None = Field(None, max_length=20_000)


class RunPatch(Body):
    """What can be changed about a run at any time; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Seed 5, the strong head", "tags": ["keep"]}]},
    )

    name: Annotated[Name, StringConstraints(min_length=1)] | None = None
    tags: Annotated[list[Tag], Field(max_length=20)] | None = None
    notes: Notes | None = None
    colour: Colour | None = Field(
        None,
        description="`#RRGGBB`, in lists and charts; `auto`: the one that follows from the id",
        examples=["#4477AA"],
    )
    is_pinned: bool | None = Field(None, description="Whether it stands first in the list")
    is_shelved: bool | None = Field(
        None, description="Whether it is out of the list on the page; all else of it stays"
    )
    priority: Priority | None = Field(None, description="Counts until a worker has taken the run")
    keep_checkpoints: Keep | None = Field(
        None,
        description="`usual`: once it has ended, the first, the last, some evenly, some around the "
        "phase change, and those that are pinned, forked or grafted from; `all`",
    )
    was: RunSaid | None = Field(
        None,
        description="What the change was made from: if it is something else by now, nothing is "
        "changed (409)",
    )


class RunRead(BaseModel):
    """A run and where it stands."""

    id: str
    name: str
    tags: list[str]
    notes: str
    colour: str = Field(description="`#RRGGBB`: its colour; beside others of the same, another")
    is_pinned: bool = Field(description="It stands first in the list")
    is_shelved: bool = Field(description="It is out of the list on the page")
    state: RunState
    is_terminal: bool = Field(description="finished, failed or cancelled: nothing will change")

    description: list[str] = Field(description="What is clamped, one plain sentence per clamp")
    dataset: str
    layers: int
    heads: int
    labels_in_context: int
    chance_loss: float = Field(description="ln(labels_in_context): the loss of guessing among them")
    config_hash: str = Field(description="Equal for equal experiments; a fork's holds its lineage")
    lineage: Lineage
    data_sha256: str | None = Field(
        description="Of the data file that it is trained from; null without one"
    )

    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    deleted_at: datetime | None = Field(None, description="It is deleted, and can be restored")
    kept_until: datetime | None = Field(None, description="of a deleted run; then it goes for good")
    lease_until: datetime | None = Field(description="The trainer must report again before this")
    age_seconds: float = Field(description="Since it was created")
    run_seconds: float | None = Field(description="Since it was first taken by a worker")

    sequences: int = Field(description="Where the latest measurement was made")
    total_sequences: int
    progress: float = Field(ge=0, le=1)
    sequences_per_second: float | None
    seconds_left: float | None = Field(description="At the present rate; null unless training")
    train_loss: float | None
    nonfinite: dict[str, NonFinite] = Field(
        default={}, description="Which numbers of this run are null because they are not finite"
    )
    phase_change: PhaseChange
    stage: str | None = Field(description="What a run that is starting does at the moment")
    phase_change_is_clamped: bool = Field(
        description="Whether a clamp was on at its midpoint: it may have driven it"
    )
    phase_change_between: PhaseBrackets | None = Field(
        description="Between which measurements each place of it lies, of one seed; null in lists "
        "and live news: ask for the run"
    )

    priority: int
    attempt: int
    keep_checkpoints: Keep
    companions: int | None = Field(description="Other runs that its trainer was given with it")
    worker: str | None
    device: str | None
    versions: dict[str, str] | None
    error_kind: str | None
    error_message: str | None


class RunPage(BaseModel):
    """Some runs, and where the next ones start."""

    runs: list[RunRead]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null at end")


class Estimate(BaseModel):
    """What a run will cost."""

    model_config = example(
        seconds=45.5,
        start_seconds=18.0,
        sequences_per_second=22000.0,
        side_by_side=1,
        based_on="no run has been timed here yet: the rate of 2 CPU cores",
        measurements=201,
        frames=201,
        checkpoints=201,
        checkpoint_bytes=162_000_000,
    )

    seconds: float = Field(description="Of training alone")
    start_seconds: float | None = Field(
        description="Before it: starting a process and compiling, the median of the latest starts"
    )
    sequences_per_second: float
    side_by_side: int = Field(description="How many runs one trainer had when that was measured")
    based_on: str
    measurements: int
    frames: int
    checkpoints: int
    checkpoint_bytes: int = Field(description="Of all saved weights and optimisers together")


class DryRun(BaseModel):
    """What would be launched: the whole config with its defaults, in words, and its cost."""

    config: RunConfig
    config_hash: str
    name: str
    description: list[str]
    estimate: Estimate


class EventRead(BaseModel):
    """Something that happened to a run."""

    model_config = example(
        at="2026-11-22T12:00:00Z", kind="queued", message="Waits for a worker.", sequences=0
    )

    at: datetime
    kind: str
    message: str
    sequences: int | None


class Timeline(BaseModel):
    """What happened to a run, oldest first."""

    run_id: str
    events: list[EventRead]


class PresetRead(BaseModel):
    """A named experiment to start from."""

    id: str
    name: str
    figure: str
    summary: str
    description: list[str]
    config: RunConfig


class DatasetRead(BaseModel):
    """Where exemplars can come from."""

    model_config = example(
        name="glyphs", explanation="Invented characters; nothing to download.", default=True
    )

    name: str = Field(description="What to write in `config.task.dataset`")
    explanation: str
    default: bool


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    loc: Shown = Field(description="JSON pointer into the body, or `query/NAME`, `header/NAME`")
    message: Shown
    input: Any = Field(default=None, description="What was sent there, if it is short")
    offset: int | None = Field(
        default=None, description="Of a query: which of its characters this is about, from 0"
    )
    length: int | None = Field(
        default=None, description="How many characters; 0: something is missing at `offset`"
    )
    suggestion: Shown | None = Field(default=None, description="What was probably meant")


class Problem(BaseModel):
    """Every error of this API (RFC 9457, `application/problem+json`)."""

    model_config = example(
        type="about:blank",
        title="Invalid request",
        status=422,
        detail="config/program/0: L5H0.v: the model has layers 0 to 1",
        instance="/api/v1/runs",
        errors=[
            {
                "loc": "/config/program/0",
                "message": "L5H0.v: the model has layers 0 to 1",
                "input": {"kind": "ablate", "site": "L5H0.v"},
            }
        ],
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: Shown
    instance: Shown
    errors: list[ProblemError] | None = None
