"""Errors as HTTP: problem documents (RFC 9457) below /api, pages elsewhere."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from redis import RedisError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from app.errors import AppError, Gone, Invalid, InvalidQuery
from app.logs import request_id
from app.root_path import rooted
from app.routes.headers import SECURITY_HEADERS
from app.schemas.api.runs import Problem, ProblemError
from app.schemas.text import flaws, shown
from app.services.launch.sentences import PROGRAM, clamp_sentence
from app.templating import render_error

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
LONGEST_INPUT = 200  # characters of an input that is quoted back


def add_error_handlers(app: FastAPI) -> None:
    """Makes every error a problem document or a page."""
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for kind in (OperationalError, InterfaceError, PoolTimeout, RedisError):
        app.add_exception_handler(kind, _on_outage)
    app.add_exception_handler(DataError, _on_unstorable)
    app.add_exception_handler(Exception, _on_bug)


def problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[ProblemError] = (),
    headers: Mapping[str, str] | None = None,
    deleted_run: str = "",
) -> Response:
    """The error as the requester reads it; `deleted_run`: what a page offers to restore."""
    if not request.url.path.startswith("/api"):
        page = render_error(request, status, title, shown(detail), deleted_run=deleted_run)
        page.headers.update(headers or {})
        return page
    document = Problem(
        title=title,
        status=status,
        detail=detail,
        instance=rooted(request.url.path),
        errors=list(errors) or None,
    )
    content = document.model_dump_json(exclude_none=True)
    return Response(content, status, headers, media_type=MEDIA_TYPE)


def _on_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    errors = [_pointed_at(error)] if isinstance(error, Invalid) and error.loc else []
    run_id = error.run_id if isinstance(error, Gone) else ""
    return problem(
        request, error.status, error.title, error.detail, errors=errors, deleted_run=run_id
    )


def _pointed_at(error: Invalid) -> ProblemError:
    """Where in the request it is; of a query, at which characters."""
    found = ProblemError(loc=error.loc, message=error.detail)
    if isinstance(error, InvalidQuery):
        found.offset, found.length = error.offset, error.length
        found.suggestion = error.suggestion or None
        found.input = error.query if len(error.query) <= LONGEST_INPUT else None
    return found


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: list[ProblemError] = []
    for one in error.errors():
        readable = _readable(one, error.body)
        if readable not in errors:  # a value that may be of several types is wrong as each of them
            errors.append(readable)
    detail = "; ".join(f"{one.loc or 'body'}: {one.message}" for one in errors)
    return problem(request, Invalid.status, Invalid.title, detail, errors=errors)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != title else _explained(request, error.status_code)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return problem(request, error.status_code, title, detail, headers=headers)


def _on_outage(request: Request, error: Exception) -> Response:
    # Also for a deadlock that Postgres has ended: the driver counts it among these, and to try
    # again is right.
    log.warning("%s: a service does not answer: %s", request.url.path, error)
    name = "Redis" if isinstance(error, RedisError) else "database"
    detail = f"The {name} does not answer; try again soon."
    title = HTTPStatus.SERVICE_UNAVAILABLE.phrase
    return problem(request, 503, title, detail, headers={"Retry-After": "2"})


def _on_unstorable(request: Request, error: Exception) -> Response:
    log.info("%s: what was asked for cannot be written in SQL: %s", request.url.path, error)
    detail = "A number of this request is beyond 64 bits."
    return problem(request, Invalid.status, Invalid.title, detail)


def _on_bug(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        answer = _on_outage(request, error)
        answer.headers.update(dict(SECURITY_HEADERS))
        return answer
    name = request_id.get()
    detail = f"Something went wrong in the server; its log says what, at request {name}."
    # The framework makes this answer outside of all that adds headers.
    headers = {**dict(SECURITY_HEADERS), "X-Request-ID": name}
    return problem(request, 500, AppError.title, detail, headers=headers)


def _allowed(request: Request) -> str:
    """Everything that can be done at a path of the API; the framework names one handler's only."""
    path, described = request.url.path, request.app.openapi()["paths"]
    # A path of its own, such as /runs/bulk, is no run of that name.
    fitting = (
        [path]
        if path in described
        else [template for template in described if compile_path(template)[0].fullmatch(path)]
    )
    methods = {method.upper() for template in fitting for method in described[template]}
    return ", ".join(sorted(methods))


def _explained(request: Request, status: int) -> str:
    """A sentence for what the framework says in two words."""
    if status == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.url.path}."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} cannot be done at {request.url.path}."
    return HTTPStatus(status).description


def _readable(error: Mapping[str, Any], body: object) -> ProblemError:
    """One of pydantic's errors, with its place as a requester would point at it."""
    message = str(error["msg"]).removeprefix("Value error, ")
    where, *steps = error["loc"]
    if error["type"] == "json_invalid":
        place = f"at character {steps[0]}" if steps else ""
        reason = error.get("ctx", {}).get("error", "")
        return ProblemError(loc="", message=f"This is not JSON {place}: {reason}")
    if where != "body":
        return ProblemError(loc="/".join(map(str, error["loc"])), message=message)
    loc = pointer(steps, body, missing=error["type"] == "missing")
    message = _in_clamp(error, steps, body) or message
    return ProblemError(loc=loc, message=message, input=_short(error.get("input")))


def _in_clamp(error: Mapping[str, Any], steps: Sequence[int | str], body: object) -> str:
    """An error within a clamp, with its site; empty for others."""
    if PROGRAM not in steps[:-1]:
        return ""
    at = steps.index(PROGRAM) + 2
    for step in steps[:at]:
        body = _inside(body, step)
    is_within = len(steps) > at or error["type"] == "clamp_kind"
    return clamp_sentence(cast(ErrorDetails, error), steps[at:], body) if is_within else ""


def pointer(steps: Sequence[int | str], body: object, *, missing: bool = False) -> str:
    """A JSON pointer into what was sent: pydantic also names kinds of clamps, which we leave out.

    `missing`: the last step is not in the body, but would have to be.
    """
    parts: list[str] = []
    for index, step in enumerate(steps):
        if not isinstance(body, dict | list):  # what follows names a type of the value
            break
        absent = isinstance(body, dict) and step not in body
        if absent and not (missing and index == len(steps) - 1):
            continue
        parts.append(str(step).replace("~", "~0").replace("/", "~1"))
        body = _inside(body, step)
    return "".join(f"/{part}" for part in parts)


def _inside(body: object, step: int | str) -> object:
    if isinstance(body, dict):
        return body.get(step)
    if isinstance(body, list) and isinstance(step, int) and step < len(body):
        return body[step]
    return None


def _short(value: object) -> object:
    """The input, unless it is long or cannot be JSON."""
    try:
        written = repr(value)
    except RecursionError:  # it is nested as deeply as JSON may be
        return None
    is_plain = isinstance(value, str | int | float | bool | list | dict)
    is_short = len(written) <= LONGEST_INPUT and "nan" not in written
    return value if is_plain and is_short and not any(flaws(value)) else None
