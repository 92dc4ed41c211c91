"""The root path off requests, and before the addresses in the headers of answers."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.root_path import root, rooted

_ADDRESSES = ("Location", "HX-Push-Url")
_COOKIE_PATH = re.compile("(?<=; path=)/", re.IGNORECASE)


class RootPath:
    """Outermost, so that nothing else knows of it. `path`: of our settings; where it is empty the
    server's own (`uvicorn --root-path`) holds."""

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # In place and for good: what answers our own bugs stands outside of this, and sees them,
        # too. A server makes a scope, and a context, for each request.
        path = self._path or scope.get("root_path", "").rstrip("/")
        scope["path"], scope["root_path"] = _below(path, scope["path"]), ""
        root.set(path)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _put_before(MutableHeaders(scope=message), Headers(scope=scope).get("host", ""))
            await send(message)

        await self._app(scope, receive, sent if path else send)


def _below(path: str, asked: str) -> str:
    """What is asked for, from here; a proxy may have left the path before it."""
    is_kept = asked == path or asked.startswith(f"{path}/")
    return (asked[len(path) :] or "/") if is_kept else asked


def _put_before(headers: MutableHeaders, host: str) -> None:
    for name in _ADDRESSES:
        if name in headers:
            # The framework's own redirects name the host, which a proxy may have changed.
            headers[name] = rooted(re.sub(f"^https?://{re.escape(host)}(?=/)", "", headers[name]))
    cookies = headers.getlist("Set-Cookie")
    del headers["Set-Cookie"]
    for cookie in cookies:
        headers.append("Set-Cookie", _COOKIE_PATH.sub(rooted("/"), cookie, count=1))
