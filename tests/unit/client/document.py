"""The API's own description, made without a server."""

from functools import cache
from typing import Any

from app.config import Settings
from app.main import create_app


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to."""
    settings = Settings(database_url="postgresql://nowhere/none", redis_url="redis://nowhere")
    return create_app(settings).openapi()


def schema(name: str) -> dict[str, Any]:
    return document()["components"]["schemas"][name]
