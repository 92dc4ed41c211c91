"""The options of a run, from `app/schemas/config.py`."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.schemas.config import RunConfig
from reference.markdown import cell, code, table


def options() -> str:
    """Every part of a config as a table, with defaults, limits and units."""
    parts = ((name, field.annotation) for name, field in RunConfig.model_fields.items())
    return "\n\n".join(
        text
        for name, model in parts
        if isinstance(model, type) and issubclass(model, BaseModel)
        for text in _part(name, model)
    )


def _part(name: str, model: type[BaseModel]) -> Iterator[str]:
    lead, _, rest = (model.__doc__ or "").partition("\n\n")
    yield f"## {name}"
    yield " ".join(lead.split())
    if rest.strip():
        yield " ".join(rest.split())
    fields = model.model_fields.items()
    yield table(
        ("option", "default", "unit", "limits", "what it is"),
        (
            (code(f"{name}.{key}"), _default(of), _unit(of), _limits(of), _says(of))
            for key, of in fields
        ),
    )


def _default(field: FieldInfo) -> str:
    shown = str(field.default)
    return code({"True": "true", "False": "false", "()": "[]"}.get(shown, shown))


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _limits(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = (
        f"{signs[name]} {getattr(bound, name):,}"
        for bound in field.metadata
        for name in signs
        if hasattr(bound, name)
    )
    choices = (
        getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
    )
    return ", ".join(found) or ", ".join(map(code, choices))


def _says(field: FieldInfo) -> str:
    return cell(f"{field.title}. {field.description}")
