"""Programs as the form holds them: JSON text, read clamp by clamp, so that one that is wrong does
not hide the others."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import Clamp, Program

_CLAMP: TypeAdapter[BaseClamp] = TypeAdapter(Clamp)
_PROGRAM: TypeAdapter[Program] = TypeAdapter(Program)
_NAMING = ("kind", "target", "site")  # always written, and first
_WINDOW = tuple(name for name in BaseClamp.model_fields if name != "site")


@dataclass(frozen=True)
class ProgramText:
    """A program as it was typed: its items, and the clamps that they are."""

    items: tuple[Any, ...] = ()
    clamps: tuple[BaseClamp | None, ...] = ()  # None: that item is no clamp
    content: Any = None  # as it is validated: whatever the text says
    error: str = ""  # why it cannot be read at all

    @property
    def readable(self) -> tuple[BaseClamp, ...]:
        """The clamps that can be read."""
        return tuple(clamp for clamp in self.clamps if clamp is not None)


@lru_cache(maxsize=256)  # a form asks several times
def read_program(text: str) -> ProgramText:
    """Reads a program as far as that can be done."""
    try:
        content = json.loads(text or "[]")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return ProgramText(error=f"This is not JSON ({where}): {error.msg}.")
    except RecursionError:
        return ProgramText(error="Write a list of clamps: [ ... ]; this nests too deeply.")
    if not isinstance(content, list):
        return ProgramText(content=content, error="Write a list of clamps: [ ... ].")
    return ProgramText(tuple(content), tuple(map(_clamp, content)), content)


def _clamp(item: object) -> BaseClamp | None:
    try:
        return _CLAMP.validate_python(item)
    except ValidationError:
        return None


def write_program(program: Program) -> str:
    """A program as JSON, one clamp a line; a window only where there is one."""
    lines = ",\n".join(
        f"  {json.dumps(_item(content))}" for content in _PROGRAM.dump_python(program, mode="json")
    )
    return f"[\n{lines}\n]" if lines else "[]"


def _item(content: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: content[name] for name in _NAMING if name in content}
    return named | {
        name: value
        for name, value in content.items()
        if name not in _WINDOW or value != BaseClamp.model_fields[name].default
    }


def site_text(item: object) -> str:
    """The site that an item names, whatever else it says."""
    site = item.get("site") if isinstance(item, Mapping) else None
    return site if isinstance(site, str) else ""


def count_clamps(items: Sequence[object]) -> str:
    """`2 clamps`, `nothing clamped`."""
    if not items:
        return "nothing clamped"
    return f"{len(items)} clamp{'s' if len(items) > 1 else ''}"
