"""What the API answers about analyses."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.schemas.analyses.kinds import AnalysisRequest
from app.schemas.state import ErrorKind, RunState


class AnalysisRead(BaseModel):
    """An analysis and where it stands."""

    id: str
    run_id: str
    kind: str
    request: AnalysisRequest
    checkpoints: list[int] = Field(description="Sequences of the checkpoints that are looked at")
    state: RunState
    is_terminal: bool
    done: int = Field(description="Parts that are done, of `total`")
    total: int = Field(description="0: its run is still awaited")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    worker: str | None
    error_kind: ErrorKind | None
    error_message: str | None


class AnalysisPage(BaseModel):
    """Analyses, the newest first."""

    analyses: list[AnalysisRead]
    next_cursor: str | None


class CellRead(BaseModel):
    """What the model does at one checkpoint under one program, over all sequences of the task."""

    checkpoint: int = Field(description="Sequences of training")
    name: str
    group: str
    head: int | None = Field(description="The head that is kept, removed or added")
    other: int | None = Field(description="Of wirings: the head of the earlier layer")
    loss: float = Field(description="nats")
    accuracy: float
    in_context_accuracy: float
    mistakes: int
    induction_strength: list[list[float]] = Field(description="[layer][head]")
    previous_token_attention: list[list[list[float]]] | None = Field(
        default=None, description="[layer][head][token - 1]; of exhaustive evaluations"
    )
    standard_error: dict[str, Any] | None = Field(
        default=None, description="Of each number, where the sequences are a sample"
    )
    by_label: list[dict[str, float]] | None = None
    by_class: list[dict[str, float]] | None = None
    by_position: list[dict[str, float]] | None = None


class RecoveryRead(BaseModel):
    """Of the mistakes of a row's cell the share that a column's gets right; null: it makes none."""

    checkpoint: int
    group: str
    cells: list[str]
    share: list[list[float | None]]


class WeightsCompositionRead(BaseModel):
    """Fig. 11's composition scores: |W_O^b W_X^a| / (|W_O^b| |W_X^a|), [later head][earlier]."""

    checkpoint: int
    queries: list[list[float]]
    keys: list[list[float]]
    values: list[list[float]]


class AnalysisResult(BaseModel):
    """What has been found so far; all of it once the analysis has finished."""

    id: str
    state: RunState
    sequences: int | None = Field(description="How many each number is over")
    population: int | None = Field(description="How many the task has; more: a sample was drawn")
    strongest: list[int] = Field(description="Heads of the last layer by induction strength")
    looking_back: list[int] = Field(description="Previous-token heads of layer 1, by strength")
    cells: list[CellRead]
    recovery: list[RecoveryRead]
    composition: list[WeightsCompositionRead]


class AnalysisDryRun(BaseModel):
    """What a launch would do."""

    request: AnalysisRequest
    checkpoints: list[int]
    cells: list[str]
    parts: int
    seconds: float = Field(description="About how long one core takes")
    existing: str | None = Field(description="An analysis that answers this already")
