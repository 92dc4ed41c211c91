"""Who sends a request, and whether they may: asked of everything but login, health and files."""

import time
from collections.abc import Sequence
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.problems import problem
from app.schemas.access import Caller
from app.schemas.access import Scope as Allowed
from app.services.access.gate import LASTING, Gate, Visit
from app.templating import render_login

COOKIE = "optoscope"
CALLER = "caller"  # in a request's state
OPEN = ("/login", "/healthz", "/readyz")
FILES = "/static/"
_ADMIN = ("/tokens", "/api/v1/tokens", "/api/v1/audit")
_READS = ("GET", "HEAD", "OPTIONS")
# Far above what pages and notebooks ask for; of guesses of a token, enough for a slip of the hand.
REQUESTS = RateLimitItemPerMinute(6000)
GUESSES = RateLimitItemPerMinute(20)


class AccessCheck:
    """Finds out who calls; turns away who is not known, may not, or asks too often."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app, self._gate = app, gate
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, visit = await self._judge(scope)
        if answer is not None:
            await answer(scope, receive, send)
            return
        if visit is not None:
            scope.setdefault("state", {})[CALLER] = visit.caller
            if visit.is_stale and scope["method"] == "GET":
                send = await self._with_new_cookie(scope, send, visit.caller)
        await self._app(scope, receive, send)

    async def _judge(self, scope: Scope) -> tuple[Response | None, Visit | None]:
        """What to answer instead, and who it is."""
        request, path = Request(scope), scope["path"]
        who = request.client.host if request.client else "a socket"
        if self._gate.is_open:
            return None, self._gate.visit()
        if path.startswith(FILES) or path in OPEN:
            guesses = path == OPEN[0] and scope["method"] == "POST"
            return (self._too_many(request, GUESSES, who) if guesses else None), None
        try:
            visit = await run_in_threadpool(self._visit, Headers(scope=scope))
        except SQLAlchemyError:
            return _outage(request), None
        if visit is None:
            # Not of those who show nothing: pages that were left open when their session ended.
            guesses = "authorization" in request.headers
            too_many = self._too_many(request, GUESSES, who) if guesses else None
            return too_many or _unknown(request), None
        if visit.caller.scope < needed(scope["method"], path):
            return _forbidden(request, visit.caller, needed(scope["method"], path)), None
        return self._too_many(request, REQUESTS, f"{visit.caller.name} {who}"), visit

    def _visit(self, headers: Headers) -> Visit | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._gate.visit(token=token.strip())
        return self._gate.visit(cookie=cookie_of(headers))

    def _too_many(self, request: Request, limit: RateLimitItem, who: str) -> Response | None:
        if self._limiter.hit(limit, who):
            return None
        resets_at = self._limiter.get_window_stats(limit, who).reset_time
        seconds = max(1, round(resets_at - time.time()))
        detail = f"More than {limit.amount} requests came from here within a minute; wait a while."
        status = HTTPStatus.TOO_MANY_REQUESTS
        headers = {"Retry-After": str(seconds)}
        return problem(request, status, status.phrase, detail, headers=headers)

    async def _with_new_cookie(self, scope: Scope, send: Send, caller: Caller) -> Send:
        before = cookie_of(Headers(scope=scope)) or ""
        cookie = await run_in_threadpool(self._gate.renew_session, before, caller)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = Response()
                set_cookie(answer, Request(scope), cookie)
                MutableHeaders(scope=message).append("Set-Cookie", answer.headers["Set-Cookie"])
            await send(message)

        return sent


def needed(method: str, path: str) -> Allowed:
    """What a request takes; what a bulk request deletes is asked where it is read."""
    if method == "DELETE" or _is_below(path, _ADMIN):
        return Allowed.ADMIN
    return Allowed.READ if method in _READS else Allowed.LAUNCH


def caller_of(request: Request) -> Caller:
    """Who sends the request."""
    caller = request.scope["state"][CALLER]
    assert isinstance(caller, Caller)
    return caller


def cookie_of(headers: Headers) -> str | None:
    """The cookie that a browser was let in with."""
    # Not the standard library's parser, which gives up at cookies of other programs: a browser
    # sends those of every port of this host, and not all are written by the book.
    return cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE)


def set_cookie(answer: Response, request: Request, cookie: str) -> None:
    """Gives it to the browser, for nobody's scripts and no other site's requests."""
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LASTING.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _is_below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _unknown(request: Request) -> Response:
    status = HTTPStatus.UNAUTHORIZED
    if not request.url.path.startswith("/api") and request.method in _READS:
        return render_login(request, status=status)
    detail = "This server asks for a token: send one as `Authorization: Bearer ...`, or log in."
    headers = {"WWW-Authenticate": "Bearer"}
    return problem(request, status, status.phrase, detail, headers=headers)


def _forbidden(request: Request, caller: Caller, scope: Allowed) -> Response:
    status = HTTPStatus.FORBIDDEN
    detail = f"This takes a token of scope {scope.word!r}; {caller.name} has {caller.scope.word!r}."
    return problem(request, status, status.phrase, detail)


def _outage(request: Request) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "The database does not answer; try again soon."
    return problem(request, status, status.phrase, detail, headers={"Retry-After": "2"})
