"""What the API says of a run's log."""

from pydantic import BaseModel, Field

from app.schemas.api.series import example


class LogRead(BaseModel):
    """The last lines of what a run's trainers wrote."""

    model_config = example(
        run_id="8kq2m4x7vd",
        lines=["2026-11-22 12:00:00,123 INFO 4711 worker.trainer: run 8kq2m4x7vd: attempt 1"],
        note="",
    )

    run_id: str
    lines: list[str] = Field(description="Plain text, the oldest first")
    note: str = Field(
        description="Why there are none (the log lies on the machine of its worker), or which run "
        "they are shared with; else empty"
    )
