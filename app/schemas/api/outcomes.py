"""What the API says of the settings and outcomes of compared runs."""

from typing import Literal

from pydantic import BaseModel, Field

from app.schemas.api.series import example


class QuantityRead(BaseModel):
    """A setting or an outcome: a value for every run, in the order of `runs`."""

    id: str
    title: str
    unit: str
    kind: Literal["setting", "outcome"]
    values: list[float | str | None]
    missing: list[str | None] = Field(description="Why a run has no value; null where it has one")


class CorrelationRead(BaseModel):
    """Spearman's rank correlation of two quantities over the `runs` that have both."""

    x: str
    y: str
    runs: int
    rho: float | None = Field(description="null: fewer than four runs, or all of one value")
    low: float | None = Field(description="95 % interval by Fisher's z of the ranks")
    high: float | None
    tells_little: bool = Field(description="Of fewer than ten runs")


class OutcomeRunRead(BaseModel):
    """A run of the table."""

    id: str
    name: str


class OutcomesRead(BaseModel):
    """In what the configs of runs differ, and what the runs came to, as columns of equal length."""

    model_config = example(
        runs=[{"id": "8kq2m4x7vd", "name": "plain"}],
        quantities=[
            {
                "id": "midpoint",
                "title": "Midpoint",
                "unit": "sequences",
                "kind": "outcome",
                "values": [None],
                "missing": ["its loss never dropped"],
            }
        ],
        correlations=[],
    )

    runs: list[OutcomeRunRead]
    quantities: list[QuantityRead]
    correlations: list[CorrelationRead]
