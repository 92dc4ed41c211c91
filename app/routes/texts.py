"""Texts of addresses, headers and forms: checked before any handler sees them.

Those of JSON bodies are checked by `app.schemas.text.Body`.
"""

from collections.abc import Iterable

from fastapi import Request

from app.errors import Invalid
from app.schemas.text import flaw, shown


def check_address(request: Request) -> None:
    """Raises `Invalid` for a path, a query or a header that holds what no text can."""
    _check("path", ((name, str(value)) for name, value in request.path_params.items()))
    _check("query", request.query_params.multi_items())
    _check("header", request.headers.items())


async def typed_fields(request: Request) -> list[tuple[str, str]]:
    """The texts of a form, in order. Raises `Invalid`."""
    async with request.form() as fields:
        texts = [(name, value) for name, value in fields.multi_items() if isinstance(value, str)]
    _check("form", texts)
    return texts


def _check(where: str, texts: Iterable[tuple[str, str]]) -> None:
    for name, text in texts:
        if said := flaw(name) or flaw(text):
            raise Invalid(said, loc=f"{where}/{shown(name)}")
