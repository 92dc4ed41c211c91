"""Who sends a request, and whether they may: asked of everything but login, health and files."""

import logging
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.guard.rates import GUESSES, REQUESTS, Rates
from app.routes.guard.streams import while_let_in
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

log = logging.getLogger(__name__)


class AccessCheck:
    """Finds out who calls; turns away who is not known, may not, or asks too often."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app, self._gate, self._rates = app, gate, Rates()

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
            if not self._gate.is_open:
                send = while_let_in(send, partial(self._is_let_in, Headers(scope=scope)))
            if visit.is_stale and scope["method"] == "GET":
                send = await self._with_new_cookie(scope, send, visit.caller)
        await self._app(scope, receive, send)

    async def _judge(self, scope: Scope) -> tuple[Response | None, Visit | None]:
        """What to answer instead, and who it is."""
        request, path = Request(scope), scope["path"]
        if self._gate.is_open:
            return None, self._gate.visit()
        if path.startswith(FILES) or path in OPEN:
            guesses = path == OPEN[0] and scope["method"] == "POST"
            return (self._rates.hit(request, GUESSES, _from(request)) if guesses else None), None
        try:
            visit = await self._admitted(request)
        except SQLAlchemyError:
            return _outage(request), None
        if not isinstance(visit, Visit):
            return visit, None
        return self._refusal(request, visit.caller), visit

    async def _admitted(self, request: Request) -> Visit | Response:
        """Who sends the request, or what to answer to somebody unknown."""
        token = bearer_of(request.headers)
        # Before it is looked at: a guess that is refused after it was tried is no less a guess.
        # Who was let in before goes on, whoever else guesses from the same address.
        if token is not None and not self._gate.knows(token):
            too_many = self._rates.look(request, GUESSES, _from(request))
            if too_many is not None:
                return too_many
        visit = await run_in_threadpool(self._visit, request.headers)
        if visit is not None:
            return visit
        # Pages that were left open when their session ended are no guesses.
        limit = REQUESTS if token is None else GUESSES
        return self._rates.hit(request, limit, _from(request)) or _unknown(request)

    def _refusal(self, request: Request, caller: Caller) -> Response | None:
        """What to answer to somebody known who may not do this, or not so often."""
        takes = needed(request.method, request.scope["path"])
        if caller.scope < takes:
            return _forbidden(request, caller, takes)
        if not _is_proven(request):
            return _unproven(request)
        # By its id: names of tokens may be the same.
        return self._rates.hit(request, REQUESTS, f"{caller.token_id} {_from(request)}")

    def _visit(self, headers: Headers) -> Visit | None:
        token = bearer_of(headers)
        if token is not None:
            return self._gate.visit(token=token)
        return self._gate.visit(cookie=cookie_of(headers))

    async def _is_let_in(self, headers: Headers) -> bool:
        try:
            return await run_in_threadpool(self._visit, headers) is not None
        except SQLAlchemyError:  # asked again with what is sent next
            return True

    async def _with_new_cookie(self, scope: Scope, send: Send, caller: Caller) -> Send:
        before = cookie_of(Headers(scope=scope)) or ""
        try:
            cookie = await run_in_threadpool(self._gate.renew_session, before, caller)
        except SQLAlchemyError as error:  # the database is away, or the token was just revoked
            log.warning("a cookie was not replaced, and is the next time: %s", error)
            return send

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


def bearer_of(headers: Headers) -> str | None:
    """The token that a program sends."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


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


def _from(request: Request) -> str:
    return request.client.host if request.client else "a socket"


def _is_proven(request: Request) -> bool:
    """Whether what is done with a cookie was sent by a page of ours.

    A browser sends the cookie by itself, so that the cookie alone proves nothing: one of the two
    headers must be there, which `OriginCheck` has found to be ours. Browsers add them to all that
    changes something, programs send a token and need none.
    """
    headers = request.headers
    has_token = bearer_of(headers) is not None
    is_said = "origin" in headers or "sec-fetch-site" in headers
    return request.method in _READS or has_token or is_said


def _unproven(request: Request) -> Response:
    status = HTTPStatus.FORBIDDEN
    detail = (
        "A cookie alone does not show that a page of this server sent this: browsers add `Origin`. "
        "Programs send a token, as `Authorization: Bearer ...`."
    )
    return problem(request, status, status.phrase, detail)


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
