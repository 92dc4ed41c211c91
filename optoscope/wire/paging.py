"""Lists that come in pages, and states that are waited for."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from optoscope.wire.connection import Connection, Json
from optoscope.wire.errors import OptoscopeError
from optoscope.wire.event_stream import PATIENCE

PAGE = 200
SHORTEST_WAIT, LONGEST_WAIT = 0.1, 2.0  # seconds between two looks


def pages(
    connection: Connection,
    path: str,
    name: str,
    query: Mapping[str, Any],
    limit: int | None = None,
) -> Iterator[Json]:
    """Every entry of a list, page by page, or the first `limit`."""
    left = limit
    cursor = None
    while left is None or left > 0:
        size = PAGE if left is None else min(left, PAGE)
        said = connection.get(path, {**query, "limit": size, "cursor": cursor})
        yield from said[name]
        left = None if left is None else left - len(said[name])
        cursor = said["next_cursor"]
        if cursor is None:
            return


def until(is_over: Callable[[], bool], what: str, deadline: float | None) -> None:
    """Looks until it is over, ever less often; a server that is away meanwhile costs only time.

    `deadline`: of `time.monotonic`, after which it raises `TimeoutError`.
    """
    pause, heard_at = SHORTEST_WAIT, time.monotonic()
    while True:
        try:
            if is_over():
                return
            heard_at = time.monotonic()
        except OptoscopeError as error:
            if not error.is_passing or time.monotonic() - heard_at > PATIENCE:
                raise
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"{what} is not over yet; it goes on.")
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_WAIT)
