"""A name for every request, so that its answer, its log lines and a proxy's can be put together."""

import logging
import re
import secrets
from time import monotonic

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import request_id

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")  # of others it is not known what they would do to logs
_QUIET = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestIds:
    """Takes the name that a proxy gave, or makes one, and gives it back with the answer.

    Logs requests that change something; reads, of which pages make many, where they fail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if _PLAIN.fullmatch(given) else secrets.token_hex(8)
        # Never taken back: each request is a task of its own, and the server logs its errors after
        # this has returned.
        request_id.set(name)
        began = monotonic()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    (HEADER.lower().encode(), name.encode()),
                ]
                _note(scope, message["status"], monotonic() - began)
            await send(message)

        await self._app(scope, receive, sent)


def _note(scope: Scope, status: int, seconds: float) -> None:
    if scope["method"] in _QUIET and status < 500:
        return
    # Quoted: a path may hold line ends. Without the query, in which a token may have been put.
    log.info("%s %s: %d in %.0f ms", scope["method"], ascii(scope["path"]), status, 1000 * seconds)
