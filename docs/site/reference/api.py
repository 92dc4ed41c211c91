"""The REST API, from the OpenAPI document of the application."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from app.config import Settings
from app.main import create_app
from app.services.help.api_reference import Operation, docs_page, type_of
from reference.markdown import cell, code, plain

Schemas = Mapping[str, Mapping[str, Any]]


def operations() -> str:
    """Every operation by subject, then every object that they take and give."""
    schemas: Schemas = document()["components"]["schemas"]
    return "\n\n".join([*_groups(document(), schemas), "## Objects", *_objects(schemas)])


@cache
def document() -> Mapping[str, Any]:
    """What `/api/v1/openapi.json` serves; making it takes a second."""
    unused = Settings(database_url="postgresql://none", redis_url="redis://none")
    return create_app(unused).openapi()


def _groups(document: Mapping[str, Any], schemas: Schemas) -> Iterator[str]:
    for group in docs_page(document, "").groups:
        yield f"## {group.name}"
        for operation in group.operations:
            yield from _operation(operation, schemas)


def _operation(operation: Operation, schemas: Schemas) -> Iterator[str]:
    yield f"### {operation.method.upper()} {plain(operation.path)}"
    yield from operation.paragraphs
    yield "\n".join(
        f"- {_named(one.name, one.required)} ({one.where}, {_type(one.type, schemas)}) "
        f"{one.description}"
        for one in operation.parameters
    )
    if operation.body:
        yield f"Body: {_type(operation.body, schemas)}."
    yield f"Answers: {'; '.join(f'{one.status} {one.description}' for one in operation.answers)}."


def _objects(schemas: Schemas) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"### {name}"
        yield cell(schema.get("description", ""))
        if "enum" in schema:
            yield f"One of {', '.join(code(one) for one in schema['enum'])}."
        required = schema.get("required", ())
        yield "\n".join(
            f"- {_named(field, field in required)} ({_type(type_of(of), schemas)}) "
            f"{cell(of.get('description', ''))}"
            for field, of in schema.get("properties", {}).items()
        )


def _named(name: str, required: bool) -> str:
    return f"{code(name)}, required" if required else code(name)


def _type(words: str, schemas: Schemas) -> str:
    """A type in words, with links to the objects among them."""
    return re.sub(r"\w+", lambda word: _link(word[0], schemas), plain(words))


def _link(word: str, schemas: Schemas) -> str:
    return f"[{word}](#{word.lower()})" if word in schemas else word
