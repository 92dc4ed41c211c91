"""Forks: where a run comes from, and what came of it."""

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.state import Optimiser, RunState


class ParentRead(BaseModel):
    """The run that a fork comes from; it shares the history below `sequences`."""

    id: str | None = Field(description="null: it was deleted since")
    name: str
    sequences: int
    optimiser: Optimiser


class ForkRead(BaseModel):
    """A run that was forked from this one."""

    id: str
    name: str
    sequences: int = Field(description="Where it was forked")
    optimiser: Optimiser
    state: RunState


class Lineage(BaseModel):
    """Where a run comes from, and what came of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "parent": {
                        "id": "8kq2m4x7vd",
                        "name": "Main",
                        "sequences": 120_000,
                        "optimiser": "keep",
                    },
                    "forks": [],
                }
            ]
        }
    )

    parent: ParentRead | None = Field(description="null: trained from its initial weights")
    forks: list[ForkRead] | None = Field(description="null in lists and live news: ask for the run")
