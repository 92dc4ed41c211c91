"""How large a request may be."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000
ARCHIVES = ("/api/v1/archives", "/import")  # where files of people come in
_ROUND_IT = 10_000  # bytes of a form around its file


class BodyLimit:
    """Refuses bodies that are too large: as they come, whatever their header says.

    The framework has a limit of its own, but that answers in plain text.
    """

    def __init__(self, app: ASGIApp, *, most_of_archive: int) -> None:
        self._app, self._most_of_archive = app, most_of_archive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_archive = scope["type"] == "http" and scope["path"] in ARCHIVES
        most = self._most_of_archive + _ROUND_IT if is_archive else MOST_BYTES
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            # Counted as it comes, before the application has the whole: it is refused with what
            # was read of it, and not after all of it.
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, f"A request may hold {most:,} bytes at most.")
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
