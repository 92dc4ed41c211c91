"""The stream of a run: server-sent events, with `sequences` as their ids."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from app.dependencies import RunId, Services, ServicesDep
from app.errors import NotFound
from app.services.follow import Follower, read_snapshot

router = APIRouter(tags=["live"])

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,  # what is returned is the finished event stream
    responses={
        200: {
            "description": "`run`: where it stands; `measurement` (`id`: its `sequences`) and "
            "`measurements` (several, `id`: the last); `frame` and `frames`: there are new ones; "
            "`done`: nothing will come any more, close the stream.",
            "content": {EventSourceResponse.media_type: {"schema": {"type": "string"}}},
        }
    },
)
async def get_events(
    made: ServicesDep,
    run_id: RunId,
    after: Annotated[int, Query(description="Only measurements past this; -1: all")] = -1,
    last_event_id: Annotated[int | None, Header(description="As `after`; browsers set it")] = None,
) -> EventSourceResponse:
    """Follow a run: every measurement after a place once, and news as they happen."""
    if await made.hub.reads.read(read_snapshot, run_id) is None:
        raise NotFound(f"There is no run {run_id!r}.")
    last = after if last_event_id is None else max(after, last_event_id)
    return EventSourceResponse(_events(made, run_id, last), headers=_HEADERS)


async def _events(made: Services, run_id: str, last: int) -> AsyncIterator[bytes]:
    async for event in Follower(made.hub, run_id, last).stream():
        yield event
