"""Everything that the application serves."""

from collections.abc import Iterator
from types import ModuleType

from fastapi import FastAPI

from app.routes.pages import router as pages


def addresses(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each of its operations, pages and files."""
    for path, operations in app.openapi()["paths"].items():
        yield from ((method.upper(), path) for method in operations)
    for part in vars(pages).values():
        for route in part.router.routes if isinstance(part, ModuleType) else ():
            yield from ((method, route.path) for method in route.methods)
    yield from (("GET", path) for path in ("/", "/static/css/site.css", "/api/v1/openapi.json"))
