"""Pages of the list of runs: filtered, sorted, and cut by an opaque keyset cursor.

A cursor holds the sort and the last row's key, so that runs which are added meanwhile neither
shift nor double a page. Whichever way the list is sorted, runs without a number come last.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import literal
from sqlalchemy.orm import Session

from app.db.models import Run
from app.db.runs_list import pages as rows
from app.db.runs_list.matching import Matching
from app.db.runs_list.order import Order, SortPosition
from app.db.runs_list.pages import Found
from app.errors import Invalid
from app.schemas.api.bulk import RunCount
from app.schemas.state import TERMINAL, RunState
from app.services.cursors import read_cursor, write_cursor
from app.services.runs_list.columns import Column, column_or_error
from app.services.runs_list.grouping import grouping_or_error
from app.services.runs_list.programs import Programs, programs
from app.services.runs_list.query_conditions import condition_of

NEWEST = "-created"
MOST = 500  # rows of one request


@dataclass(frozen=True)
class Filter:
    """Which runs, in which order."""

    states: Sequence[RunState] = ()
    tags: Sequence[str] = ()
    words: str = ""  # a query, see `app.schemas.query`
    study: str | None = None
    datasets: Sequence[str] = ()
    clamps: Sequence[str] = ()  # lights, kinds of the catalogue, or `none`
    run_ids: Sequence[str] = ()
    sort: str = NEWEST
    deleted: bool = False  # of those that can be restored, or of those that are there
    shelved: bool | None = None  # those that are, or are not
    pinned_first: bool = False
    group: str = ""  # what it is put into groups by
    within: str | None = None  # of that group alone, as addresses write it

    @property
    def is_grouped(self) -> bool:
        """Whether it is a list of groups, and not of the runs in one."""
        return bool(self.group) and self.within is None


@dataclass(frozen=True)
class CursorRange:
    """A part of the list: past one cursor, up to and with another."""

    cursor: str | None = None
    until: str | None = None
    limit: int = 50


def list_runs(
    session: Session, wanted: Filter, *, cursor: str | None = None, limit: int = 50
) -> tuple[Sequence[Run], str | None]:
    """A page of runs, and the cursor of the next page if there is one."""
    found, next_cursor = list_rows(session, wanted, CursorRange(cursor, None, limit))
    return [row.run for row in found], next_cursor


def list_rows(
    session: Session, wanted: Filter, span: CursorRange, columns: Sequence[Column] = ()
) -> tuple[list[Found], str | None]:
    """The same with what the columns show, in the order of those that have to be asked for."""
    column, order = _order(wanted)
    found = rows.runs_page(
        session,
        matching_of(wanted),
        order,
        numbers=[one.number for one in columns if one.number is not None],
        past=_place(span.cursor, wanted, column) if span.cursor else None,
        until=_place(span.until, wanted, column) if span.until else None,
        # One more than is shown tells whether there is a next page, by the same snapshot.
        limit=span.limit + 1,
    )
    if len(found) <= span.limit:
        return found, None
    last = found[span.limit - 1]
    # The key as it is now: a run whose progress or loss moves past it meanwhile is shown twice or
    # not at all. By time of creation nothing moves.
    key = [] if last.key is None else [_written(column, last.key)]
    lists = {is_pinned: name for name, is_pinned in _lists(wanted).items()}
    name = lists[last.run.is_pinned and wanted.pinned_first]
    return found[: span.limit], write_cursor([name, last.run.id, *key])


def matching_ids(session: Session, wanted: Filter) -> Sequence[str]:
    """All runs that match, in order."""
    _, order = _order(wanted)
    return rows.ids_in_order(session, matching_of(wanted), order)


def count_runs(session: Session, wanted: Filter) -> RunCount:
    """How many runs match, and how many of these have ended."""
    matching = matching_of(wanted)
    over = TERMINAL.intersection(wanted.states or TERMINAL)
    ended = replace(matching, states=sorted(over))
    return RunCount(
        count=rows.count_matching(session, matching),
        ended=rows.count_matching(session, ended) if over else 0,
    )


def check_filter(wanted: Filter) -> None:
    """Raises `Invalid` for what cannot be asked."""
    matching_of(wanted)
    _order(wanted)


def matching_of(wanted: Filter) -> Matching:
    """Which runs; `Invalid` if that cannot be asked."""
    by = grouping_or_error(wanted.group) if wanted.group else None
    if by is None and wanted.within is not None:
        raise Invalid("`within` is one of the groups: say by what, in `group`.", loc="query/within")
    return Matching(
        within=by.within(wanted.within) if by and wanted.within is not None else None,
        states=wanted.states,
        tags=wanted.tags,
        asked=condition_of(wanted.words),
        study=wanted.study,
        datasets=wanted.datasets,
        programs=[program for clamp in wanted.clamps for program in _programs(clamp)],
        run_ids=wanted.run_ids,
        shelved=wanted.shelved,
        deleted=wanted.deleted,
    )


def _programs(clamp: str) -> Programs:
    """What programs hold that have this light or this kind of clamp."""
    found = programs().get(clamp)
    if found is None:
        known = ", ".join(programs())
        raise Invalid(f"There is no clamp {clamp!r}; write one of {known}.", loc="query/clamp")
    return found


def _order(wanted: Filter) -> tuple[Column, Order]:
    column = column_or_error(wanted.sort.removeprefix("-"), "query/sort")
    return column, Order(
        column.key,
        descending=wanted.sort.startswith("-"),
        is_optional=column.is_optional,
        final=column.final,
        pinned_first=wanted.pinned_first,
    )


def _lists(wanted: Filter) -> dict[str, bool]:
    """What cursors call the lists that this one is made of, and whether they are of pinned runs."""
    if not wanted.pinned_first:
        return {wanted.sort: False}
    return {f"{wanted.sort} pinned": True, f"{wanted.sort} others": False}


def _written(column: Column, key: float | str | datetime) -> str:
    """A key as text that gives back exactly the same key."""
    if isinstance(key, datetime):
        return key.isoformat()
    # To the last bit: a rounded key would skip or repeat the runs between the two.
    return repr(key) if column.kind == "number" else str(key)


def _read(column: Column, text: str) -> datetime | str | float:
    match column.kind:
        case "number":
            return float(text)
        case "moment":
            return datetime.fromisoformat(text)
    return text


def _place(cursor: str, wanted: Filter, column: Column) -> SortPosition:
    """What a cursor holds; `Invalid` unless it is a cursor of this sort."""
    lists = _lists(wanted)
    match read_cursor(cursor):
        case [of, run_id] if of in lists and column.is_optional:
            return SortPosition(None, run_id, lists[of])
        case [of, run_id, text] if of in lists:
            with suppress(ValueError):
                key = literal(_read(column, text), column.key.type)
                return SortPosition(key, run_id, lists[of])
    raise Invalid(
        f"This is not a cursor of a list sorted by {wanted.sort}; "
        "pass `next_cursor` of the page before, with the same `sort` and `pinned_first`.",
        loc="query/cursor",
    )
