"""What the REST API says of workers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.state import RunState


class WorkerRun(BaseModel):
    """A run that a worker trains."""

    id: str
    name: str
    state: RunState
    progress: float = Field(ge=0, le=1)
    sequences_per_second: float | None


class WorkerRead(BaseModel):
    """A process that takes runs, and what it has in hand."""

    name: str
    host: str
    pid: int
    device: str = Field(description="Its processors; what a run was trained on is said at the run")
    cores: int
    memory: int = Field(description="Bytes of the machine")
    memory_free: int = Field(description="Bytes that could be had when it was last heard of")
    torch: str
    disk: int | None = Field(description="Bytes of the fullest disk that it writes to")
    disk_free: int | None = Field(description="Bytes of it that were free")
    trouble: str = Field(description="Why it cannot train; empty if it can. It tries again itself")
    started_at: datetime
    seen_at: datetime
    is_silent: bool = Field(description="Not heard of for ten seconds: stopped, or cut off")
    runs: list[WorkerRun] = Field(description="Those that it trains together")
    sequences_per_second: float = Field(description="Of these runs together")


class WorkersRead(BaseModel):
    """Every worker that was heard of in the last day, and the queue that they share."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workers": [
                        {
                            "name": "lab-4711",
                            "host": "lab",
                            "pid": 4711,
                            "device": "AMD EPYC 9554 64-Core Processor",
                            "cores": 2,
                            "memory": 8_000_000_000,
                            "memory_free": 5_000_000_000,
                            "torch": "2.13.0+cpu",
                            "disk": 250_000_000_000,
                            "disk_free": 70_000_000_000,
                            "trouble": "",
                            "started_at": "2026-11-22T12:00:00Z",
                            "seen_at": "2026-11-22T12:34:56Z",
                            "is_silent": False,
                            "runs": [
                                {
                                    "id": "8kq2m4x7vd",
                                    "name": "Seed 5",
                                    "state": "running",
                                    "progress": 0.4,
                                    "sequences_per_second": 30000.0,
                                }
                            ],
                            "sequences_per_second": 30000.0,
                        }
                    ],
                    "waiting": 12,
                    "oldest_wait_seconds": 34.5,
                }
            ]
        }
    )

    workers: list[WorkerRead]
    waiting: int = Field(description="Runs that wait for a worker")
    oldest_wait_seconds: float | None
