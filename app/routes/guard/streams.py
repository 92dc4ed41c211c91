"""Streams of those who are let in no more: they last for hours, a token until it is revoked."""

from collections.abc import Awaitable, Callable
from time import monotonic

from starlette.datastructures import Headers
from starlette.types import Message, Send

RECHECK_SECONDS = 15.0
_STREAM = "text/event-stream"


def while_let_in(send: Send, is_let_in: Callable[[], Awaitable[bool]]) -> Send:
    """Sends on; an event stream ends once its reader is let in no more.

    Asked before what is sent, at most every `RECHECK_SECONDS`: a silent stream tells nobody
    anything, and its pings ask, too. A browser comes back then, and is asked to log in.
    """
    asked_at, is_stream, is_over = monotonic(), False, False

    async def sent(message: Message) -> None:
        nonlocal asked_at, is_stream, is_over
        if message["type"] == "http.response.start":
            is_stream = Headers(raw=message["headers"]).get("content-type", "").startswith(_STREAM)
        elif is_over:
            return  # the server knows the answer as whole, and tells its maker so
        elif is_stream and monotonic() - asked_at >= RECHECK_SECONDS:
            asked_at = monotonic()
            is_over = not await is_let_in()
            if is_over:
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return sent
