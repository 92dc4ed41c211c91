"""Figures of the paper as the API says them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.api.studies import StudyEstimate
from app.schemas.paper.figure import PaperNeeds, Provenance
from app.schemas.state import RunState

PaperState = Literal[
    "not made", "training", "partly made", "analysing", "ready", "needs analyses", "elsewhere"
]


class PaperRunRead(BaseModel):
    """A run that a figure needs."""

    name: str
    config_hash: str
    run_id: str | None = Field(description="The run that stands for it, if there is one")
    state: RunState | None
    sequences: int
    total_sequences: int


class PaperAnalysisRead(BaseModel):
    """A question that a figure asks of one of its runs."""

    run: str
    preset: str = Field(description="What is asked, by its name on a run's page")
    analysis_id: str | None = Field(description="The analysis that answers it, if there is one")
    state: RunState | None


class PaperSummary(BaseModel):
    """A figure or table of the paper, and how far it is here."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    title: str
    asks: str
    needs: PaperNeeds
    how: str = Field(description="How what is not made from training alone comes about")
    state: PaperState
    runs: int = Field(description="That it needs")
    finished: int
    going: int = Field(description="Queued, in training, or set aside")
    analyses: list[PaperAnalysisRead]


class PaperDeviation(BaseModel):
    """A number of ours beside the published one."""

    line: str
    what: str = Field(description="A crossing, in sequences, or a loss at a place, in nats")
    ours: float | None = Field(description="None: not there yet")
    published: float
    ratio: float | None = Field(description="Ours by the published one")


class PaperClaim(BaseModel):
    """A claim that the figure supports, as checked on our runs."""

    text: str
    holds: bool | None = Field(description="None: the runs do not tell yet")
    figures: str


class PaperTableRead(BaseModel):
    """A published table; rows of ours are called so, once there are any."""

    title: str
    columns: list[str]
    rows: list[list[str | float | None]]
    unit: str
    had: Provenance
    is_compared: bool = Field(description="Whether it has, or will have, rows of ours")


class PublishedLineRead(BaseModel):
    """What was published of a curve."""

    label: str
    metric: str
    points: list[tuple[int, float]] = Field(description="Sequences and loss, in nats")
    crossings: dict[str, int] = Field(description="Sequences at which it falls below a level")


class PaperFigureRead(PaperSummary):
    """All that there is of one: runs, published numbers, deviations, claims."""

    data_set: str = Field("Omniglot", description="Of the published numbers")
    had: Provenance
    error: str
    expected: str
    members: list[PaperRunRead]
    published: list[PublishedLineRead]
    tables: list[PaperTableRead]
    deviations: list[PaperDeviation]
    claims: list[PaperClaim]


class PaperList(BaseModel):
    """All figures and tables, in the order of the paper."""

    figures: list[PaperSummary]


class PaperMade(BaseModel):
    """What making a figure launched, or would launch."""

    figure: str
    study_id: str | None = Field(description="None: nothing had to be trained")
    launched: int
    reused: int = Field(description="Runs that are there already, or in training")
    analyses: int = Field(description="Asked of the runs, once they are trained")
    analysis_seconds: float = Field(description="About how long one core takes for them")
    estimate: StudyEstimate | None = Field(description="None: nothing has to be trained")
