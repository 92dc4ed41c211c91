"""What travels from a trainer to open pages: Redis payloads and SSE events.

One Redis channel per run. Postgres is the truth; a payload only saves a read. A measurement says
which one came before it, so that a reader that missed one notices and reads the database instead.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.schemas.measure import Measurement

CHANNEL_PREFIX = "optoscope:run:"
TRAIN_TASK = "optoscope.train"  # Celery task name; its one argument is the run id
TRAIN_QUEUE = "train"


def channel(run_id: str) -> str:
    """The Redis channel on which a run's news are published."""
    return f"{CHANNEL_PREFIX}{run_id}"


class MeasurementMessage(BaseModel):
    """A committed measurement. `previous`: the `sequences` of the one before it, if any."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["measurement"] = "measurement"
    # As it was committed, not as it was measured: a reader that has all up to `previous` has all.
    previous: int | None
    computed_at: str  # RFC 3339, when the numbers left the model
    measurement: Measurement


class FrameMessage(BaseModel):
    """A committed attention frame; readers fetch it when they want to show it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["frame"] = "frame"
    sequences: int


class RunMessage(BaseModel):
    """Something about the run itself changed (state, phase change, event): read the row."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["run"] = "run"


Message = MeasurementMessage | FrameMessage | RunMessage
