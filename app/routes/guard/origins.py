"""Where requests come from: no other site that is open in the same browser gets any further.

A browser says so itself: `Origin` on what scripts and forms send, `Sec-Fetch-Site` on everything.
Programs that are no browser send neither, and no site can make them send anything.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.routes.embedding import is_card
from app.routes.problems import problem

_OWN = ("same-origin", "none")  # `none`: typed, or a bookmark
_SAFE = ("GET", "HEAD")
_OF_PROXIES = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
HEALTH = "/healthz"


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no further."""

    status: HTTPStatus
    detail: str


class OriginCheck:
    """Refuses what other sites send; `hosts`: names that this server is reached by besides its own
    machine's, behind a proxy for instance; `is_open`: it asks for no token; `embeds`: cards may be
    in frames of others, of which ones their headers tell the browser."""

    def __init__(
        self, app: ASGIApp, *, hosts: Sequence[str], is_open: bool, embeds: bool = False
    ) -> None:
        self._app, self._hosts, self._is_open = app, frozenset(hosts), is_open
        self._embeds = embeds
        self._names = self._hosts | {_name(host) for host in hosts}  # without their ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = problem(request, refusal.status, refusal.status.phrase, refusal.detail)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if self._is_open and scope["path"] != HEALTH:
            refusal = self._not_this_machine(scope, headers)
            if refusal is not None:
                return refusal
        return self._foreign(scope, headers)

    def _not_this_machine(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Of a server without a token, which serves its own machine only."""
        server = scope.get("server")
        if server is not None and not _is_loopback(server[0]):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "This server has no token, and so serves its own machine only. Give it one "
                "(OPTOSCOPE_TOKEN) to reach it from others.",
            )
        # A proxy on this machine sends whoever it serves, and by default a name of this machine.
        if not self._hosts and any(name in headers for name in _OF_PROXIES):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "This request came through a proxy, and this server has no token. Give it one "
                "(OPTOSCOPE_TOKEN), or say in OPTOSCOPE_HOSTS by which name the proxy is reached, "
                "if whoever can reach that may do everything here.",
            )
        # A site whose name was made to lead here (DNS rebinding) is of our own origin to a
        # browser: only the name gives it away.
        name = _name(headers.get("host", ""))
        if _is_loopback(name) or (name and name in self._names):
            return None
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"This server is not known as {name!r}. Name it in OPTOSCOPE_HOSTS, or go to it by "
            "localhost.",
        )

    def _foreign(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Of what another site sends, a link that is followed to a page is all that may pass."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and not self._is_ours(origin, headers.get("host", "")):
            return _of_another(f"the page at {origin}")
        if site in _OWN or (scope["method"] in _SAFE and _is_navigation(headers)):
            return None
        if self._embeds and is_card(scope) and _is_navigation(headers, to="iframe"):
            return None
        return _of_another("a page of another site")

    def _is_ours(self, origin: str, host: str) -> bool:
        place = _place(origin)
        # Behind a proxy the host that we see may be the proxy's own name for us. With its port:
        # what is served at another one of the same name may be anybody's, and gets our cookie.
        return bool(place) and place in (host, *self._hosts)


def _of_another(who: str) -> Refusal:
    return Refusal(
        HTTPStatus.FORBIDDEN,
        f"This request was sent by {who}. Only pages of this server may use it; a program needs no "
        "Origin header. If this is our own page, behind a proxy, name it in OPTOSCOPE_HOSTS (with "
        "its port, where that is not the usual one).",
    )


def _is_navigation(headers: Headers, to: str = "document") -> bool:
    """Whether the answer is to fill a tab of its own, or a frame, which the other site cannot look
    into."""
    wanted = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return wanted == ("navigate", to)


def _place(origin: str) -> str:
    """Host and port of an origin; empty for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half an IPv6 address, for instance
        return ""


def _name(host: str) -> str:
    """A host without its port; empty for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
