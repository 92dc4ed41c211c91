"""What the runs of a list can be put into groups by, and which runs are in one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import ColumnElement, Text, cast, func, not_, select

from app.db.models import Run, StudyRunRow
from app.db.runs_list.asking import has_tags, in_study
from app.db.runs_list.groups import STUDY, STUDY_NAME, STUDY_TIME, TAG, GroupKey
from app.errors import Invalid
from app.schemas.words import grouped
from app.services.runs_list.columns import NAME, Column, columns, number_text

NONE = "~"  # in an address: the group of runs that have no such thing
_EMPTY = "~-"  # what is there and has no letters
_OF_RUNS = ("state", NAME, "clamps", "device", "worker")


@dataclass(frozen=True)
class Grouping:
    """One thing to group by."""

    id: str
    title: str
    section: str  # where it stands in the list to choose from
    key: GroupKey
    holds: Callable[[str | None], ColumnElement[bool]]  # whether a run is in this group
    said: Callable[[str], str] = str  # a group's title for people
    none: str = "none"  # the title of the group of runs without

    def within(self, written: str) -> ColumnElement[bool]:
        """Whether a run is in the group that is written so in an address."""
        return self.holds(value_of(written))

    def title_of(self, title: str | None) -> str:
        """What people read of a group."""
        return self.none if title is None else self.said(title)


def groupings() -> dict[str, Grouping]:
    """Everything to group by, by its name in addresses."""
    return _groupings()


def grouping_or_error(name: str) -> Grouping:
    """The grouping called so, or `Invalid`."""
    found = groupings().get(name)
    if found is None:
        raise Invalid(
            f"Runs cannot be grouped by {name!r}; write study, tag, created (by day), "
            f"{', '.join(_OF_RUNS)}, or an option of configs, for instance "
            "training.learning_rate.",
            loc="query/group",
        )
    return found


def written_key(value: str | None) -> str:
    """A group's value as it stands in an address: `~` for none, and before what begins so."""
    if not value:
        return NONE if value is None else _EMPTY
    return f"{NONE}{value}" if value.startswith(NONE) else value


def value_of(written: str) -> str | None:
    """The other way round."""
    if written in (NONE, _EMPTY):
        return None if written == NONE else ""
    return written.removeprefix(NONE)


@cache
def _groupings() -> dict[str, Grouping]:
    return {one.id: one for one in (_study(), _tag(), _day(), *_of_columns())}


def _study() -> Grouping:
    def holds(value: str | None) -> ColumnElement[bool]:
        in_any = Run.id.in_(select(StudyRunRow.run_id))
        return not_(in_any) if value is None else in_study(value)

    key = GroupKey(STUDY, STUDY_TIME, STUDY_NAME, descending=True, many="study")
    return Grouping("study", "Study", "The run", key, holds, none="in no study")


def _tag() -> Grouping:
    def holds(value: str | None) -> ColumnElement[bool]:
        return func.cardinality(Run.tags) == 0 if value is None else has_tags([value])

    return Grouping(
        "tag", "Tag", "The run", GroupKey(TAG, TAG, TAG, many="tag"), holds, none="without tags"
    )


def _day() -> Grouping:
    day = func.to_char(func.timezone("UTC", Run.created_at), "YYYY-MM-DD", type_=Text())
    key = GroupKey(day, day, day, descending=True)
    return Grouping("created", "Day of creation (UTC)", "The run", key, _equals(day))


def _of_columns() -> Iterator[Grouping]:
    """What runs hold themselves, and options of their configs; nothing that was measured."""
    for column in columns().values():
        if column.id in _OF_RUNS or column.group.startswith("Config: "):
            yield _of_column(column)


def _of_column(column: Column) -> Grouping:
    text = cast(column.key, Text)
    key = GroupKey(text, column.key, text)
    title = "Name" if column.id == NAME else column.full_title
    found = Grouping(column.id, title, column.group, key, _equals(text))
    return replace(found, said=_said(column))


def _equals(key: ColumnElement[str]) -> Callable[[str | None], ColumnElement[bool]]:
    return lambda value: key.is_(None) if value is None else key == value


_SWITCHED = {"true": "on", "false": "off"}


def _said(column: Column) -> Callable[[str], str]:
    """Numbers as the list writes them, switches as the form does."""
    if column.kind != "number":
        return lambda text: _SWITCHED.get(text, text)
    if column.is_whole:
        return lambda text: grouped(int(float(text)))
    return lambda text: number_text(float(text))
