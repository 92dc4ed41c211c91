"""The REST API, version 1, and how it describes itself."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.root_path import rooted
from app.routes.answers import OF_BODIES, PROBLEMS
from app.routes.api import (
    access,
    analyses,
    archives,
    catalogue,
    compare,
    events,
    figures,
    imports,
    measurements,
    news,
    paper,
    reports,
    runs,
    series,
    studies,
    toy,
    workers,
)
from app.routes.api.boards import boards
from app.routes.api.boards import figures as board_figures
from app.routes.problems import MEDIA_TYPE

PREFIX = "/api/v1"
_DESCRIPTION = (
    "Everything that is seen on screen. Times are RFC 3339 UTC; the x axis of every series is "
    "`sequences`, the training sequences seen so far; layers and heads count from 0. Every error "
    f"is a problem document (RFC 9457, `{MEDIA_TYPE}`)."
)
router = APIRouter(prefix=PREFIX, responses=PROBLEMS)
for part in (
    runs,
    imports,
    archives,
    studies,
    boards,
    board_figures,
    analyses,
    measurements,
    series,
    events,
    news,
    workers,
    catalogue,
    compare,
    figures,
    reports,
    paper,
    toy,
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
                if "requestBody" in operation:
                    _add_problems_of_bodies(operation["responses"])
                _name_problems(operation["responses"])
        app.openapi_schema = schema
    return {**app.openapi_schema, "servers": [{"url": rooted("/").rstrip("/") or "/"}]}


def _add_problems_of_bodies(responses: dict[str, Any]) -> None:
    content = responses["422"]["content"]
    for status, description in OF_BODIES.items():
        responses[status] = {"description": description, "content": dict(content)}


def _name_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status >= "400" and "content" in response:
            [response["content"]] = [{MEDIA_TYPE: said} for said in response["content"].values()]
