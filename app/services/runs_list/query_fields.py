"""What a query can ask about: every column of the list by its name, and a few things more."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from sqlalchemy import ColumnElement

from app.db.models import Run
from app.schemas.state import RunState
from app.schemas.studies.expansion import config_fields
from app.services.runs_list.columns import Column, column_called, columns
from app.services.runs_list.programs import programs

FieldKind = Literal["number", "text", "moment", "name", "notes", "tags", "study", "clamp", "switch"]
YES, NO = "true", "false"
SWITCH = {"on": "true", "off": "false"}  # as people write what a config has


@dataclass(frozen=True)
class QueryField:
    """One thing to ask about."""

    name: str
    title: str
    unit: str
    kind: FieldKind
    key: ColumnElement[Any]  # of the kinds that are compared by one
    values: tuple[str, ...] = ()  # all that it can be, if they are few


def field_called(name: str) -> QueryField | None:
    """The field of this name, in letters of any size."""
    known = fields()
    if name.lower() in known:
        return known[name.lower()]
    column = column_called(name) if "@" in name else None
    return _of_column(column) if column else None


@cache
def fields() -> dict[str, QueryField]:
    """Every field by its name, the short ones first."""
    long = {name: _of_column(column) for name, column in columns().items()}
    short = {name: replace(long[path], name=name) for name, path in _short_names().items()}
    return {**_own(), **short, **long}


def _short_names() -> dict[str, str]:
    """Options of a config by the name without its section, where that is of one only."""
    paths = [*config_fields()]
    lasts = [path.split(".")[1] for path in paths]
    taken = {*columns(), *_own()}
    found = {
        last: path
        for last, path in zip(lasts, paths, strict=True)
        if lasts.count(last) == 1 and last not in taken
    }
    return {"seed": "seeds.initial", "dataset": "task.dataset", **found}


def _own() -> dict[str, QueryField]:
    """What is no column of the list."""
    key = Run.id.expression
    found = [
        QueryField("tag", "Tag", "", "tags", key),
        QueryField("study", "Study, by its name or id", "", "study", key),
        QueryField("clamp", "Light or kind of clamp", "", "clamp", key, tuple(programs())),
        QueryField("pinned", "Pinned", "", "switch", Run.is_pinned.expression, (YES, NO)),
        QueryField("shelved", "Shelved", "", "switch", Run.is_shelved.expression, (YES, NO)),
        QueryField("started", "Started", "", "moment", Run.started_at.expression),
        QueryField("ended", "Ended", "", "moment", Run.finished_at.expression),
    ]
    return {one.name: one for one in found}


_KINDS: dict[str, FieldKind] = {"name": "name", "notes": "notes", "tags": "tags"}


def _of_column(column: Column) -> QueryField:
    options = config_fields()
    title = "Created" if column.id == "created" else column.title
    unit = "seconds" if column.id == "duration" else column.unit
    values = tuple(map(str, RunState)) if column.id == "state" else ()
    if column.id in options:
        values = tuple(_values_of(options[column.id]))
    kind = _KINDS.get(column.id, column.kind)
    return QueryField(column.id, title, unit, kind, column.key, values)


def _values_of(option: FieldInfo) -> Iterator[str]:
    """All values of an option that is a choice."""
    if option.annotation is bool:
        yield from SWITCH
    elif get_origin(option.annotation) is Literal:
        yield from map(str, get_args(option.annotation))
