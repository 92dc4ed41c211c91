"""REST: what runs report and save beside their measurements: heads, frames, checkpoints."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.db import series
from app.dependencies import RunDep, ServicesDep, SessionDep
from app.root_path import rooted
from app.routes.answers import Answers, TableResponse, table_response, tables
from app.routes.api.spans import SpanDep
from app.routes.file_ranges import asked_range, has
from app.schemas.api.runs import Problem
from app.schemas.api.series import (
    CheckpointList,
    CheckpointPatch,
    FrameList,
    FrameRead,
    HeadsRead,
    ProbeRead,
    RetentionRead,
)
from app.schemas.numbers import LARGEST
from app.schemas.state import TERMINAL, RunState
from app.services.runs.retention import would_free
from app.services.series.checkpoints import (
    checkpoint_or_error,
    checkpoint_pieces,
    pin,
    read_checkpoints,
)
from app.services.series.frame_files import frames_file
from app.services.series.frames import frame_at, read_frame, read_probe
from app.services.series.measurements import read_heads

router = APIRouter(tags=["series"])

PlaceOfPath = Annotated[int, Path(ge=0, le=LARGEST, description="Where it was saved")]
WEIGHTS: Answers = {
    200: {"content": {"application/octet-stream": {}}},
    206: {"content": {"application/octet-stream": {}}, "description": "The part of `Range`"},
    416: {"model": Problem, "description": "The part lies beyond the end of the file"},
}
KEPT_FOR_EVER = "private, max-age=31536000, immutable"


@router.get("/runs/{run_id}/heads")
def get_heads(run: RunDep, session: SessionDep, span: SpanDep) -> HeadsRead:
    """Strengths of every head over time; the last entry is the latest of the range."""
    return read_heads(session, run, span)


@router.get("/runs/{run_id}/frames", response_model=FrameList | FrameRead)
def get_frames(
    run: RunDep,
    session: SessionDep,
    response: Response,
    sequences: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="Give the last frame at or before this")
    ] = None,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> FrameList | FrameRead | Response:
    """Where there are attention frames; with `sequences`, one frame."""
    if sequences is None:
        return FrameList(run_id=run.id, sequences=list(series.frame_sequences(session, run.id)))
    frame = frame_at(session, run, sequences)
    etag = f'"{run.id}-{frame.sequences}-{frame.attempt}"'
    # Until a run has ended, another attempt may write the frame again: the same to the bit on the
    # same machine, and rounded otherwise on another. And before a later frame there may yet come
    # one that is nearer to what was asked for.
    is_final = frame.sequences == sequences and RunState(run.state) in TERMINAL
    keep = KEPT_FOR_EVER if is_final else "no-cache"
    headers = {"ETag": etag, "Cache-Control": keep}
    if if_none_match == etag:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return read_frame(session, run, frame)


@router.get(
    "/runs/{run_id}/frames.npz",
    response_class=TableResponse,
    responses=tables("application/zip"),
)
def get_frames_npz(run: RunDep, session: SessionDep, made: ServicesDep) -> Response:
    """All frames as NumPy's arrays: `numpy.load` reads them.

    `sequences` [frame]; `patterns` [frame, layer, head, probe, query, key], 32-bit as recorded;
    `composition_q_L1` and so on [frame, head of that layer, earlier layer, its head], NaN in frames
    of before there was composition.
    """
    pieces = frames_file(session, made.engine, run)
    return table_response(pieces, "application/zip", f"{run.id}-frames.npz")


@router.get("/runs/{run_id}/probe")
def get_probe(run: RunDep, session: SessionDep) -> ProbeRead:
    """The sequences whose attention the frames show, with drawings of their exemplars."""
    return read_probe(session, run)


@router.get("/runs/{run_id}/checkpoints")
def get_checkpoints(run: RunDep, session: SessionDep) -> CheckpointList:
    """Saved weights, oldest first."""
    return read_checkpoints(session, run, rooted(f"/api/v1/runs/{run.id}/checkpoints"))


@router.patch("/runs/{run_id}/checkpoints/{sequences}", status_code=204)
def change_checkpoint(
    run: RunDep, session: SessionDep, sequences: PlaceOfPath, patch: CheckpointPatch
) -> Response:
    """Pin a checkpoint, so that it stays when others go, or let go of it."""
    pin(session, run, sequences, is_pinned=patch.is_pinned)
    return Response(status_code=204)


@router.get("/retention")
def get_retention(session: SessionDep) -> RetentionRead:
    """What would be freed now: see `keep_checkpoints` of a run."""
    freed = would_free(session)
    return RetentionRead(checkpoints=freed.checkpoints, size=freed.size)


@router.head("/runs/{run_id}/checkpoints/{sequences}/file", include_in_schema=False)
@router.get(
    "/runs/{run_id}/checkpoints/{sequences}/file",
    response_class=StreamingResponse,
    responses=WEIGHTS,
)
def get_checkpoint_file(
    request: Request, run: RunDep, session: SessionDep, sequences: PlaceOfPath
) -> Response:
    """The weights of a checkpoint, as a safetensors file; a part of it with `Range`."""
    checkpoint = checkpoint_or_error(session, run, sequences)
    etag, size = f'"{checkpoint.sha256}"', checkpoint.size
    # A resumed run may save other bytes at the same place, until it has ended.
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if has(request.headers, etag):
        return Response(status_code=304, headers=headers)
    part = asked_range(request.headers, etag, size)
    headers["Content-Disposition"] = f'attachment; filename="{run.id}-{sequences}.safetensors"'
    headers["Content-Length"] = str(part.size if part else size)
    headers |= part.headers if part else {}
    kind, status = "application/octet-stream", 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, media_type=kind, headers=headers)
    pieces = checkpoint_pieces(checkpoint, *((part.start, part.size) if part else ()))
    return StreamingResponse(pieces, status, headers, kind)
