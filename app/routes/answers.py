"""What operations answer, as the document names it: tables, and errors beside what is asked for."""

from collections.abc import Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from app.schemas.api.runs import Problem

Answers = dict[int | str, dict[str, Any]]

PROBLEMS: Answers = {
    401: {"model": Problem, "description": "No token that is known"},
    403: {"model": Problem, "description": "The token allows less, or another site asks"},
    404: {"model": Problem, "description": "There is no such thing"},
    410: {"model": Problem, "description": "The run is deleted, and can be restored"},
    422: {"model": Problem, "description": "The request says something that cannot be"},
    429: {"model": Problem, "description": "Too many requests; `Retry-After` says until when"},
    503: {"model": Problem, "description": "The database does not answer"},
}
# Of every operation that takes a body.
OF_BODIES = {"400": "The body cannot be read at all", "413": "The body is too large"}
CONFLICT: Answers = {
    409: {"model": Problem, "description": "As things are now, it cannot be done; why is said"}
}

PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"


class TableResponse(StreamingResponse):
    """A file of bytes; what kind of file is said where it is made."""

    media_type = "application/octet-stream"


def tables(*kinds: str) -> Answers:
    """Of an operation that answers a table of these kinds."""
    return {200: {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}}


def table_response(
    pieces: Iterator[str] | Iterator[bytes], kind: str, name: str
) -> StreamingResponse:
    """A table that is sent while it is made, to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=kind, headers=headers)
