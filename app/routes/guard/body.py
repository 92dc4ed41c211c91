"""How large a request may be."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000
_TOO_LARGE = f"A request may hold {MOST_BYTES:,} bytes at most."


class BodyLimit:
    """Refuses bodies that are too large: as they come, whatever their header says.

    The framework has a limit of its own, but that answers in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            # Counted as it comes, before the application has the whole: it is refused with what
            # was read of it, and not after all of it.
            received += len(message.get("body", b""))
            if received > MOST_BYTES:
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
