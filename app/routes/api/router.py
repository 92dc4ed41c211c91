"""The REST API, version 1, and how it describes itself."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.routes.api import (
    access,
    catalogue,
    compare,
    events,
    figures,
    imports,
    measurements,
    news,
    runs,
    series,
    studies,
    workers,
)
from app.routes.problems import MEDIA_TYPE
from app.schemas.api.runs import Problem

PREFIX = "/api/v1"
_DESCRIPTION = (
    "Everything that is seen on screen. Times are RFC 3339 UTC; the x axis of every series is "
    "`sequences`, the training sequences seen so far; layers and heads count from 0. Every error "
    f"is a problem document (RFC 9457, `{MEDIA_TYPE}`)."
)
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No token that is known"},
    403: {"model": Problem, "description": "The token allows less, or another site asks"},
    404: {"model": Problem, "description": "There is no such thing"},
    422: {"model": Problem, "description": "The request says something that cannot be"},
    429: {"model": Problem, "description": "Too many requests; `Retry-After` says until when"},
    503: {"model": Problem, "description": "The database does not answer"},
}

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)
for part in (
    runs,
    imports,
    studies,
    measurements,
    series,
    events,
    news,
    workers,
    catalogue,
    compare,
    figures,
    access,
):
    router.include_router(part.router)


def operation_id(route: APIRoute) -> str:
    """Operations are called as their handlers: `get_run`, `launch_run`."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: errors are given as what they are, problem documents."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Optoscope", version="1", description=_DESCRIPTION, routes=app.routes
        )
        for path in schema["paths"].values():
            for operation in path.values():
                _name_problems(operation["responses"])
        app.openapi_schema = schema
    return app.openapi_schema


def _name_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status >= "400" and "content" in response:
            [response["content"]] = [{MEDIA_TYPE: said} for said in response["content"].values()]
