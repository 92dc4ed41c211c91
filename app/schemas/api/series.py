"""What the API says about a run's numbers: measurements, strengths, frames, checkpoints."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from app.schemas.measure import ProbeSequence
from app.schemas.series import for_each_head
from app.schemas.text import Body

NonFinite = Literal["nan", "inf", "-inf"]


def example(**values: JsonValue) -> ConfigDict:
    """A model's config with one example for the API's reference."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class NonFiniteValue(BaseModel):
    """A number that is null in `series`, and what it was."""

    series: str
    sequences: int
    value: NonFinite


class Thinning(BaseModel):
    """How many measurements were left out, and by which rule: never averaged, never random."""

    rule: Literal["none", "min/max/last per bucket"]
    bucket_sequences: int | None = Field(description="Width of the buckets, which start at 0")
    points: int = Field(description="Measurements in this answer")
    of: int = Field(description="Measurements in the range that was asked for")


class MeasurementsRead(BaseModel):
    """Series over `sequences`, as columns of equal length.

    When there are more measurements than `max_points`, the range is cut into buckets of
    `thinning.bucket_sequences`, and a measurement is kept if it is the last of its bucket, or if
    any of the asked series has its smallest or largest number (or first NaN) of the bucket there.
    """

    model_config = example(
        run_id="8kq2m4x7vd",
        sequences=[0, 5024],
        computed_at=["2026-11-22T12:00:00Z", "2026-11-22T12:00:01Z"],
        series={"loss.train": [1.61, 0.84], "loss.new_classes": [1.62, None]},
        nonfinite=[{"series": "loss.new_classes", "sequences": 5024, "value": "nan"}],
        thinning={"rule": "none", "bucket_sequences": None, "points": 2, "of": 2},
        next_after=5024,
    )

    run_id: str
    sequences: list[int]
    computed_at: list[datetime]
    series: dict[str, list[float | None]]
    nonfinite: list[NonFiniteValue]
    thinning: Thinning
    next_after: int = Field(description="Pass as `after` to get only what comes later")


class MeasurementsOfRuns(BaseModel):
    """Series of several runs, each thinned by itself, in the order that they were asked for."""

    runs: list[MeasurementsRead]


@for_each_head(list[list[list[float | None]]])
class _HeadsOverTime(BaseModel):
    run_id: str
    layers: int
    heads: int
    sequences: list[int]


class HeadsRead(_HeadsOverTime):
    """Strengths of every head over time: `[time][layer][head]`."""

    thinning: Thinning


class FrameList(BaseModel):
    """For which `sequences` there are frames; fetch one with `?sequences=`."""

    model_config = example(run_id="8kq2m4x7vd", sequences=[0, 5024, 10016])

    run_id: str
    sequences: list[int]


Scores = list[list[list[list[float | None]]]]


class CompositionRead(BaseModel):
    """How much of what each head writes later ones read: `k[layer][head][earlier_layer][earlier]`.

    Scores are 0 to 1 (Elhage et al. 2021): of queries, keys and values; `chance` is the root mean
    square of unrelated heads, 1 / sqrt(width).
    """

    chance: float
    q: Scores
    k: Scores
    v: Scores


@for_each_head(list[list[float | None]])
class _Patterns(BaseModel):
    run_id: str
    sequences: int
    patterns: list[list[list[list[list[float | None]]]]]


class FrameRead(_Patterns):
    """The probe's attention: `patterns[layer][head][probe][query][key]`, rows sum to 1; with the
    strengths of every head there, `[layer][head]`, the composition of every pair of heads, and the
    losses of the evaluators in nats, in their order.

    Frames of before composition was recorded have none.
    """

    composition: CompositionRead | None
    loss: list[float | None]


class ProbeRead(BaseModel):
    """The fixed sequences whose attention the frames show."""

    run_id: str
    sequences: list[ProbeSequence]


class CheckpointRead(BaseModel):
    """Saved weights, in the safetensors format.

    Adam's moments lie beside the weights, as `optimiser.mean.NAME` and `optimiser.second.NAME`.
    """

    model_config = example(
        sequences=5024,
        size=808_000,
        sha256="0" * 64,
        has_optimiser=True,
        is_pinned=False,
        created_at="2026-11-22T12:00:01Z",
        url="/api/v1/runs/8kq2m4x7vd/checkpoints/5024/file",
    )

    sequences: int
    size: int = Field(description="Bytes")
    sha256: str
    is_pinned: bool = Field(description="Stays when others go once the run has ended")
    has_optimiser: bool = Field(description="Whether a fork from here can keep the optimiser")
    created_at: datetime
    url: str = Field(description="Where to download it")


class CheckpointList(BaseModel):
    """Every checkpoint of a run, oldest first."""

    run_id: str
    checkpoints: list[CheckpointRead]


class CheckpointPatch(Body):
    """What can be changed about a checkpoint."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"is_pinned": True}]})

    is_pinned: bool = Field(description="Stays when others go once the run has ended")


class RetentionRead(BaseModel):
    """Checkpoints of ended runs that will go at the next look, a minute after the end."""

    checkpoints: int
    size: int = Field(description="Bytes")
