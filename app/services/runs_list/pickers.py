"""What the list of runs can be filtered by, and which columns it can have, as boxes to tick."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from app.schemas.clamps.base import Light
from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.state import RunState
from app.services.clamps.palette import LIGHTS
from app.services.runs_list.columns import NAME, column_or_error, columns
from app.services.runs_list.grouping import groupings
from app.services.runs_list.programs import NONE
from app.services.runs_list.view import ListView


@dataclass(frozen=True)
class FilterOption:
    """One box."""

    value: str
    label: str
    is_ticked: bool
    help: str = ""


@dataclass(frozen=True)
class FilterGroup:
    """Boxes under one heading."""

    title: str
    options: Sequence[FilterOption]


@dataclass(frozen=True)
class Picker:
    """A list of boxes that opens on a click. `name` is the parameter's in the address."""

    name: str
    title: str
    groups: Sequence[FilterGroup]
    is_single: bool = False  # one at a time
    is_long: bool = False  # long enough to be searched
    without: str = "any"  # what it is called if none is picked, where only one can be

    @property
    def count(self) -> int:
        """How many are ticked."""
        return sum(option.is_ticked for group in self.groups for option in group.options)

    @property
    def is_empty(self) -> bool:
        return not any(group.options for group in self.groups)


def pickers(
    view: ListView,
    *,
    tags: Sequence[str],
    datasets: Sequence[str],
    studies: Sequence[tuple[str, str]],
) -> list[Picker]:
    """Everything to pick from. What the view names is there even if no run has it."""
    wanted = view.wanted
    found = [
        Picker("state", "State", [_flat(RunState, wanted.states)]),
        Picker("tag", "Tags", [_flat(tags, wanted.tags)], is_long=len(tags) > 8),
        Picker("dataset", "Dataset", [_flat(datasets, wanted.datasets)]),
        Picker("clamp", "Clamps", _clamps(wanted.clamps), is_long=True),
        Picker("study", "Study", [_studies(studies, wanted.study)], is_single=True, is_long=True),
        Picker(
            "group",
            "Group",
            _groupings(wanted.group),
            is_single=True,
            is_long=True,
            without="not in groups",
        ),
        Picker("columns", "Columns", _columns(view.columns), is_long=True),
    ]
    return [picker for picker in found if not picker.is_empty]


def _flat(values: Iterable[str], picked: Sequence[str]) -> FilterGroup:
    """Those that there are, and those that were picked though there are none."""
    every = dict.fromkeys([*map(str, values), *map(str, picked)])
    return FilterGroup("", [FilterOption(value, value, value in picked) for value in every])


def _clamps(picked: Sequence[str]) -> list[FilterGroup]:
    lights = [FilterOption(light, light, light in picked, LIGHTS[light]) for light in Light]
    lights.append(FilterOption(NONE, "none at all", NONE in picked))
    kinds = [FilterOption(entry.id, entry.name, entry.id in picked) for entry in CATALOGUE]
    return [FilterGroup("Light", lights), FilterGroup("Kind", kinds)]


def _studies(studies: Sequence[tuple[str, str]], picked: str | None) -> FilterGroup:
    every = dict(studies) | ({picked: picked} if picked and picked not in dict(studies) else {})
    return FilterGroup("", [FilterOption(of, name, of == picked) for of, name in every.items()])


def _groupings(picked: str) -> list[FilterGroup]:
    return [
        FilterGroup(title, [FilterOption(one.id, one.title, one.id == picked) for one in group])
        for title, group in groupby(groupings().values(), lambda one: one.section)
    ]


def _columns(picked: Sequence[str]) -> list[FilterGroup]:
    places = [column_or_error(one, "") for one in picked if "@" in one]
    choices = [*(one for one in columns().values() if one.id != NAME), *places]
    return [
        FilterGroup(
            title, [FilterOption(one.id, one.full_title, one.id in picked) for one in group]
        )
        for title, group in groupby(choices, lambda column: column.group)
    ]
