"""News of all runs, for pages that are about others."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class NewsKind(StrEnum):
    """What is worth telling somebody who looks elsewhere; values of a timeline's `kind`."""

    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"
    PHASE_CHANGE = "phase_change"


class NewsItem(BaseModel):
    """Something that happened to a run."""

    at: datetime
    kind: NewsKind
    run_id: str
    run_name: str
    message: str
    sequences: int | None


class News(BaseModel):
    """What happened after a place, oldest first, and the place to go on from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "news": [
                        {
                            "at": "2026-11-22T12:00:00Z",
                            "kind": "phase_change",
                            "run_id": "8kq2m4x7vd",
                            "run_name": "Seed 5",
                            "message": "Phase change: midpoint between 250,000 and 255,000.",
                            "sequences": 256000,
                        }
                    ],
                    "cursor": 417,
                }
            ]
        }
    )

    news: list[NewsItem]
    cursor: int = Field(description="Pass as `after` to hear only what comes later")
