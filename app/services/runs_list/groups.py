"""The list of runs in groups: a line for each with what its runs are together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from sqlalchemy.orm import Session

from app.db.runs_list.groups import GroupRow, Together, groups_of
from app.schemas.api.groups import GroupNumbers, RunGroupRead, RunGroups
from app.services.runs_list.columns import Column
from app.services.runs_list.grouping import Grouping, grouping_or_error, written_key
from app.services.runs_list.listing import Filter, matching_of
from app.services.runs_list.view import ListView

MOST = 200  # groups of one list
BUSY_SECONDS, IDLE_SECONDS = 5, 20  # between looks at the lines of groups


@dataclass(frozen=True)
class GroupCell:
    """What a column says of a group; empty: nothing."""

    column: Column
    mean: str
    range: str


@dataclass(frozen=True)
class GroupLine:
    """A group in the table."""

    id: str  # of its line
    key: str  # as it is written in addresses
    title: str
    count: str
    url: str  # the list of its runs alone
    rows_id: str
    cells: Sequence[GroupCell]


@dataclass(frozen=True)
class GroupsPart:
    """Context of the block with the lines of groups."""

    grouped_by: str  # empty: the list is in no groups
    groups: Sequence[GroupLine]
    groups_left: int  # that are not shown
    groups_url: str
    groups_seconds: int
    groups_mark: str  # another when there are other groups
    is_fresh: bool  # asked for alone: each line finds its own place


NO_GROUPS = GroupsPart("", (), 0, "", 0, "", is_fresh=False)


def read_groups(session: Session, wanted: Filter, columns: Sequence[Column]) -> RunGroups:
    """The groups as the API says them, with the numbers of these columns."""
    by, rows, count = _found(session, wanted, numbers := _numbers(columns))
    return RunGroups(
        group=by.id,
        groups=[_read(by, row, numbers) for row in rows],
        left=count - len(rows),
    )


def _read(by: Grouping, row: GroupRow, columns: Sequence[Column]) -> RunGroupRead:
    return RunGroupRead(
        value=row.value,
        title=by.title_of(row.title),
        within=written_key(row.value),
        runs=row.runs,
        going=row.going,
        numbers={
            column.id: GroupNumbers(mean=one.mean, least=one.least, most=one.most)
            for column, one in zip(columns, row.numbers, strict=True)
        },
    )


def groups_part(
    session: Session, view: ListView, columns: Sequence[Column], *, is_fresh: bool = False
) -> GroupsPart:
    """The lines of a grouped list; none of another."""
    wanted = view.wanted
    if not wanted.is_grouped:
        return NO_GROUPS
    by, rows, count = _found(session, wanted, numbers := _numbers(columns))
    groups = [_group(view, by, row, columns, numbers) for row in rows]
    is_busy = any(row.going for row in rows)
    return GroupsPart(
        grouped_by=by.title,
        groups=groups,
        groups_left=count - len(rows),
        groups_url=view.url,
        groups_seconds=BUSY_SECONDS if is_busy else IDLE_SECONDS,
        groups_mark=_mark(*(one.id for one in groups)),
        is_fresh=is_fresh,
    )


def _found(
    session: Session, wanted: Filter, numbers: Sequence[Column]
) -> tuple[Grouping, list[GroupRow], int]:
    by = grouping_or_error(wanted.group)
    keys = [column.key for column in numbers]
    return by, *groups_of(session, matching_of(wanted), by.key, keys, limit=MOST)


def _numbers(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column.kind == "number"]


def _group(
    view: ListView,
    by: Grouping,
    row: GroupRow,
    columns: Sequence[Column],
    numbers: Sequence[Column],
) -> GroupLine:
    key = written_key(row.value)
    alone = view.filtered(replace(view.wanted, within=key))
    together = dict(zip((one.id for one in numbers), row.numbers, strict=True))
    going = f", {row.going:,} of them under way" if row.going else ""
    return GroupLine(
        id=f"group-{_mark(key)}",
        key=key,
        title=by.title_of(row.title),
        count=f"{row.runs:,} run{'' if row.runs == 1 else 's'}{going}",
        url=alone.url,
        rows_id=alone.rows_id(),
        cells=[_cell(column, together.get(column.id)) for column in columns],
    )


def _cell(column: Column, together: Together | None) -> GroupCell:
    if together is None or together.mean is None:
        return GroupCell(column, "", "")
    mean, least, most = (column.said(number) for number in together if number is not None)
    return GroupCell(column, mean, "" if least == most else f"{least} to {most}")


def _mark(*texts: str) -> str:
    return f"{crc32(chr(0).join(texts).encode()):08x}"
