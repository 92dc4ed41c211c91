"""Streams of server-sent events: of one run, with `sequences` as their ids, or of several."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from app.db.engine import session_scope
from app.db.runs import known_runs
from app.dependencies import RunId, Services, ServicesDep
from app.errors import Invalid, NotFound
from app.schemas.api.limits import MOST_RUNS
from app.services.compare.view import unique
from app.services.live.follow_many import follow_many
from app.services.live.follower import Follower, read_snapshot

router = APIRouter(tags=["live"])

# Of one event: that is what a schema of a stream is about.
_TEXT = {"type": "string"}
_EVENT = {"type": "object", "properties": {"event": _TEXT, "data": _TEXT, "id": _TEXT}}
FARTHEST = 2**63 - 1  # no run gets past this
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,  # what is returned is the finished event stream
    responses={
        200: {
            "description": "`run`: where it stands; `measurement` (`id`: its `sequences`) and "
            "`measurements` (several, `id`: the last); `frame` and `frames`: there are new ones; "
            "`done`: nothing will come any more, close the stream.",
            "content": {EventSourceResponse.media_type: {"schema": _EVENT}},
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
    # Asked before the stream begins, when a status can still be sent. Deleted after this, the run
    # is `done` with the state "deleted".
    if await made.hub.reads.read(read_snapshot, run_id) is None:
        raise NotFound(f"There is no run {run_id!r}.")
    # A browser that comes back by itself repeats the address of the first time, whose `after` is
    # old by then; a page that asks anew may know more than its last id.
    last = after if last_event_id is None else max(after, last_event_id)
    return EventSourceResponse(_events(made, run_id, min(last, FARTHEST)), headers=_HEADERS)


async def _events(made: Services, run_id: str, last: int) -> AsyncIterator[bytes]:
    async for event in Follower(made.hub, run_id, last).stream():
        yield event


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The events of every run as in its own stream, each with `run_id` and "
            "`data`; `ended` instead of `done` when one of them will not go on (with the state "
            "`deleted` if it is not there any more), and `done` when none will.",
            "content": {EventSourceResponse.media_type: {"schema": _EVENT}},
        }
    },
)
def get_events_of_runs(
    made: ServicesDep,
    runs: Annotated[
        list[str], Query(description="Ids, separated by commas", examples=[["8kq2m4x7vd"]])
    ],
    after: Annotated[
        str, Query(description="For each run, in the same order: only measurements past this")
    ] = "",
) -> EventSourceResponse:
    """Follow several runs in one stream.

    Its events have no ids: who comes back says in `after` how far each run was heard.
    """
    places = _places(unique(runs), after)
    # Over before the stream begins: a page that is open for hours must hold no connection.
    with session_scope(made.engine) as session:
        known = known_runs(session, places)
    # One that was deleted ends, as it does when it is deleted later, and keeps nobody from the
    # others; a typing error is told.
    if not known:
        raise NotFound(f"There is no run {next(iter(places))!r}.")
    return EventSourceResponse(follow_many(made.hub, places), headers=_HEADERS)


def _places(runs: tuple[str, ...], after: str) -> dict[str, int]:
    """Every run with the place past which it is followed."""
    if not 0 < len(runs) <= MOST_RUNS:
        raise Invalid(f"Say which runs to follow: 1 to {MOST_RUNS} ids.", loc="query/runs")
    try:
        places = (
            [min(int(place), FARTHEST) for place in after.split(",")] if after else [-1] * len(runs)
        )
    except ValueError:
        raise Invalid("Write whole numbers, separated by commas.", loc="query/after") from None
    if len(places) != len(runs):
        raise Invalid(
            f"{len(places)} places for {len(runs)} runs: write one for each.", loc="query/after"
        )
    return dict(zip(runs, places, strict=True))
