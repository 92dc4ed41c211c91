"""Pages to log in and out, and to make and revoke tokens."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import ServicesDep, SessionDep
from app.routes.guard.access import COOKIE, cookie_of, set_cookie
from app.schemas.access import Scope
from app.schemas.api.access import ScopeName, TokenName
from app.schemas.text import Text
from app.services.access.tokens import make_token, revoke_token, tokens_page
from app.templating import page, render_login

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:
    return render_login(request, to=next)


@router.post("/login")
def login(
    request: Request,
    made: ServicesDep,
    token: Annotated[Text, Form()] = "",
    next: Annotated[Text, Form()] = "/",
) -> Response:
    caller = made.gate.caller_with(token.strip())
    if caller is None:
        return render_login(request, status=401, to=next, said="No such token is known here.")
    answer = RedirectResponse(_local(next), 303)
    set_cookie(answer, request, made.gate.open_session(caller))
    return answer


@router.post("/logout")
def logout(request: Request, made: ServicesDep) -> Response:
    if cookie := cookie_of(request.headers):
        made.gate.end_session(cookie)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/tokens")
def tokens(request: Request, made: ServicesDep, session: SessionDep) -> Response:
    return page(request, "access/tokens.html", tokens_page(session, is_open=made.gate.is_open))


@router.post("/tokens")
def make(
    request: Request,
    made: ServicesDep,
    session: SessionDep,
    name: Annotated[TokenName, Form()],
    scope: Annotated[ScopeName, Form()],
) -> Response:
    new = make_token(session, name, Scope.called(scope))
    context = tokens_page(session, is_open=made.gate.is_open, made=new)
    return page(request, "access/tokens.html", context)


@router.post("/tokens/{token_id}/revoke")
def revoke(token_id: str, made: ServicesDep, session: SessionDep) -> Response:
    revoke_token(session, token_id, made.gate)
    return RedirectResponse("/tokens", 303)


def _local(address: str) -> str:
    """A place of ours, whatever was asked for."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours else "/"
