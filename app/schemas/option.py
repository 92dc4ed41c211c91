"""Fields of configs and clamps, with what the form and the API say about them."""

from typing import Any

from pydantic import Field


def option(default: Any, label: str, help: str, *, unit: str = "", **constraints: Any) -> Any:
    """A field with what the form shows about it."""
    return Field(
        default, title=label, description=help, json_schema_extra={"unit": unit}, **constraints
    )
