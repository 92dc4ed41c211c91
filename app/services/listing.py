"""Pages of the list of runs: filtered, sorted, and cut by an opaque keyset cursor.

A cursor holds the sort and the last row's key, so that runs which are added meanwhile neither
shift nor double a page.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Double, cast, func, literal
from sqlalchemy.orm import Session

from app.db import queries
from app.db.models import Run
from app.errors import Invalid
from app.schemas.state import RunState
from app.services.cursors import read_cursor, write_cursor

_LAST = float("inf")  # a run without the number sorts as if it were larger than any


class Sort(StrEnum):
    """Orders of the list; `-` for descending."""

    NEWEST = "-created"
    OLDEST = "created"
    NAME = "name"
    NAME_DOWN = "-name"
    LOSS = "train_loss"
    LOSS_DOWN = "-train_loss"
    MIDPOINT = "midpoint"
    MIDPOINT_DOWN = "-midpoint"
    PROGRESS = "progress"
    PROGRESS_DOWN = "-progress"


@dataclass(frozen=True)
class Filter:
    """Which runs, in which order."""

    states: Sequence[RunState] = ()
    tags: Sequence[str] = ()
    words: str = ""
    study: str | None = None
    sort: Sort = Sort.NEWEST


def list_runs(
    session: Session, wanted: Filter, *, cursor: str | None = None, limit: int = 50
) -> tuple[Sequence[Run], str | None]:
    """A page of runs, and the cursor of the next page if there is one."""
    key = _key(wanted.sort)
    runs = queries.runs_page(
        session,
        key=key,
        descending=wanted.sort.startswith("-"),
        states=wanted.states,
        tags=wanted.tags,
        words=wanted.words,
        study=wanted.study,
        past=_past(cursor, wanted.sort, key) if cursor else None,
        limit=limit + 1,
    )
    if len(runs) <= limit:
        return runs, None
    return runs[:limit], _cursor(wanted.sort, runs[limit - 1])


def _key(sort: Sort) -> ColumnElement[Any]:
    keys: dict[str, ColumnElement[Any]] = {
        "created": Run.created_at.expression,
        "name": Run.name.expression,
        "train_loss": func.coalesce(Run.train_loss, _LAST),
        "midpoint": func.coalesce(Run.midpoint, _LAST),
        "progress": cast(Run.sequences, Double) / Run.total_sequences,
    }
    return keys[sort.removeprefix("-")]


def _value(sort: Sort, run: Run) -> str:
    """The row's key as text that gives back exactly the same key."""
    values = {
        "created": run.created_at.isoformat(),
        "name": run.name,
        "train_loss": repr(_LAST if run.train_loss is None else run.train_loss),
        "midpoint": repr(_LAST if run.midpoint is None else run.midpoint),
        "progress": repr(run.sequences / run.total_sequences),
    }
    return values[sort.removeprefix("-")]


def _cursor(sort: Sort, last: Run) -> str:
    return write_cursor([sort, _value(sort, last), last.id])


def _past(cursor: str, sort: Sort, key: ColumnElement[Any]) -> tuple[ColumnElement[Any], str]:
    """The key and id that a cursor holds; `Invalid` unless it is a cursor of this sort."""
    parts = read_cursor(cursor)
    parsed = None
    if len(parts) == 3 and parts[0] == sort:
        with suppress(ValueError):
            parsed = _parsed(sort, parts[1])
    if parsed is None:
        raise Invalid(
            f"This is not a cursor of a list sorted by {sort}; "
            "pass `next_cursor` of the page before, with the same `sort`.",
            loc="query/cursor",
        )
    return literal(parsed, key.type), parts[2]


def _parsed(sort: Sort, value: str) -> datetime | str | float:
    if sort in (Sort.NEWEST, Sort.OLDEST):
        return datetime.fromisoformat(value)
    if sort in (Sort.NAME, Sort.NAME_DOWN):
        return str(value)
    return float(value)
