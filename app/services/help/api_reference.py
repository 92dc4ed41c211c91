"""The API reference: the OpenAPI document as something to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    where: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class Answer:
    """A status that an operation answers with."""

    status: str
    description: str


@dataclass(frozen=True)
class Operation:
    """A method of a path."""

    id: str
    method: str
    path: str
    paragraphs: Sequence[str]
    parameters: Sequence[Parameter]
    body: str
    answers: Sequence[Answer]


@dataclass(frozen=True)
class OperationGroup:
    """The operations under one tag."""

    name: str
    operations: Sequence[Operation]


@dataclass(frozen=True)
class DocsPage:
    """Context of `help/api_reference.html`."""

    description: str
    openapi_url: str
    groups: Sequence[OperationGroup]


def docs_page(document: Document, openapi_url: str) -> DocsPage:
    """The document's operations by tag, in its order."""
    groups: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                tag = next(iter(item[method].get("tags", ["other"])))
                groups.setdefault(tag, []).append(_operation(method, path, item[method]))
    return DocsPage(
        description=document["info"].get("description", ""),
        openapi_url=openapi_url,
        groups=[
            OperationGroup(name.capitalize(), operations) for name, operations in groups.items()
        ],
    )


def _operation(method: str, path: str, spec: Document) -> Operation:
    return Operation(
        id=spec["operationId"],
        method=method,
        path=path,
        paragraphs=[
            " ".join(text.split())
            for text in (spec.get("description") or spec.get("summary", "")).split("\n\n")
        ],
        parameters=[_parameter(one) for one in spec.get("parameters", ())],
        body=_body(spec.get("requestBody")),
        answers=list(_answers(spec.get("responses", {}))),
    )


def _parameter(spec: Document) -> Parameter:
    schema = spec.get("schema", {})
    description = spec.get("description", "") or schema.get("description", "")
    return Parameter(
        name=spec["name"],
        where=spec["in"],
        type=type_of(schema),
        required=spec.get("required", False),
        description=" ".join(filter(None, [_ended(description), _default(schema)])),
    )


def _ended(sentence: str) -> str:
    return f"{sentence}." if sentence and not sentence.endswith(".") else sentence


def _default(schema: Document) -> str:
    default = schema.get("default")
    if default in (None, [], ""):
        return ""
    shown = ", ".join(default) if isinstance(default, list) else str(default).lower()
    return f"Default `{shown}`."


def type_of(schema: Document) -> str:
    """A schema in a few words: `integer`, `string or null`, `list of string`, `RunConfig`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _body(spec: Document | None) -> str:
    if spec is None:
        return ""
    schemas = (media.get("schema", {}) for media in spec["content"].values())
    return ", ".join(type_of(schema) for schema in schemas)


def _answers(responses: Document) -> Iterator[Answer]:
    for status, spec in responses.items():
        yield Answer(status, spec.get("description", ""))
