"""REST: what runs report and save."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from app.db import series
from app.dependencies import RunDep, ServicesDep, SessionDep
from app.schemas.api import (
    CheckpointList,
    FrameList,
    FrameRead,
    HeadsRead,
    MeasurementsRead,
    ProbeRead,
)
from app.schemas.config import RunConfig
from app.services.export import csv_lines
from app.services.files import checkpoint_file, read_checkpoints
from app.services.frames import frame_at, read_frame, read_probe
from app.services.measurements import read_heads, read_series
from app.services.series import select_series

router = APIRouter(tags=["series"])

SeriesQuery = Annotated[
    list[str],
    Query(
        description="Names such as `loss.train` or `induction_strength.L1H3`, with `*` for anything"
        "; several separated by commas",
        examples=[["loss.*,induction_strength.L1H3"]],
    ),
]
After = Annotated[int, Query(description="Only what lies past this; -1: everything")]
MaxPoints = Annotated[int, Query(ge=10, le=100_000, description="Thin out to so many points")]
From = Annotated[int, Query(alias="from", ge=0, description="First `sequences` of the range")]
Until = Annotated[int | None, Query(alias="to", ge=0, description="Last `sequences` of the range")]
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}
KEPT_FOR_EVER = "private, max-age=31536000, immutable"


@router.get("/runs/{run_id}/measurements", responses=CSV, response_model=MeasurementsRead)
def get_measurements(
    run: RunDep,
    session: SessionDep,
    made: ServicesDep,
    series: SeriesQuery = ["loss.*"],  # noqa: B006 (fastapi copies defaults)
    start: From = 0,
    until: Until = None,
    after: After = -1,
    max_points: MaxPoints = 1000,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> MeasurementsRead | Response:
    """Series over `sequences`, as columns; with `Accept: text/csv` the raw table."""
    patterns = _split(series)
    if "text/csv" in accept:
        return _csv(run, made, patterns)
    past = max(after, start - 1)
    return read_series(session, run, patterns, after=past, until=until, max_points=max_points)


@router.get("/runs/{run_id}/measurements.csv", responses=CSV, response_class=StreamingResponse)
def get_measurements_csv(
    run: RunDep,
    made: ServicesDep,
    series: SeriesQuery = ["*"],  # noqa: B006 (fastapi copies defaults)
) -> Response:
    """Every measurement as a table, nothing thinned.

    Columns: `sequences`, `computed_at_utc`, `elapsed_seconds`, then the series by name; losses end
    in `_nats`, the others are shares and strengths without a unit. `nan`, `inf` and `-inf` are
    written out.
    """
    return _csv(run, made, _split(series))


@router.get("/runs/{run_id}/heads")
def get_heads(
    run: RunDep, session: SessionDep, after: After = -1, max_points: MaxPoints = 1000
) -> HeadsRead:
    """Strengths of every head over time; the last entry is the latest."""
    return read_heads(session, run, after=after, max_points=max_points)


@router.get("/runs/{run_id}/frames", response_model=FrameList | FrameRead)
def get_frames(
    run: RunDep,
    session: SessionDep,
    response: Response,
    sequences: Annotated[
        int | None, Query(ge=0, description="Give the last frame at or before this")
    ] = None,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> FrameList | FrameRead | Response:
    """Where there are attention frames; with `sequences`, one frame."""
    if sequences is None:
        return FrameList(run_id=run.id, sequences=list(series.frame_sequences(session, run.id)))
    frame = frame_at(session, run, sequences)
    etag = f'"{run.id}-{frame.sequences}-{frame.attempt}"'
    keep = KEPT_FOR_EVER if frame.sequences == sequences else "no-cache"
    headers = {"ETag": etag, "Cache-Control": keep}
    if if_none_match == etag:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return read_frame(run, frame)


@router.get("/runs/{run_id}/probe")
def get_probe(run: RunDep, session: SessionDep) -> ProbeRead:
    """The sequences whose attention the frames show, with drawings of their exemplars."""
    return read_probe(session, run)


@router.get("/runs/{run_id}/checkpoints")
def get_checkpoints(run: RunDep, session: SessionDep) -> CheckpointList:
    """Saved weights, oldest first."""
    return read_checkpoints(session, run, f"/api/v1/runs/{run.id}/checkpoints")


@router.get(
    "/runs/{run_id}/checkpoints/{sequences}/file",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def get_checkpoint_file(run: RunDep, session: SessionDep, sequences: int) -> FileResponse:
    """The weights of a checkpoint, as a safetensors file."""
    path = checkpoint_file(session, run, sequences)
    name = f"{run.id}-{sequences}.safetensors"
    return FileResponse(path, media_type="application/octet-stream", filename=name)


def _split(series: list[str]) -> list[str]:
    return [name.strip() for names in series for name in names.split(",") if name.strip()]


def _csv(run: RunDep, made: ServicesDep, patterns: list[str]) -> StreamingResponse:
    chosen = select_series(RunConfig.model_validate(run.config), patterns)
    return StreamingResponse(
        csv_lines(made.engine, run.id, chosen),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{run.id}.csv"'},
    )
