"""A study's request as runs: every combination of what varies, checked, named, each config once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.schemas.clamps.kinds import KINDS
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS, Preset
from app.schemas.studies.request import PROGRAM, RUN, StudyAxis, StudyRequest
from app.schemas.words import decimal

MOST_RUNS = 1000
LONGEST_LABEL = 80
_SETTING = re.compile(rf"{PROGRAM}\.(\d+)\.([a-z_]+)")
_PRESETS = {preset.id: preset for preset in PRESETS}


class StudyError(ValueError):
    """Why there can be no such study, and where in the request: a JSON pointer."""

    def __init__(
        self, loc: str, message: str, cause: ErrorDetails | None = None, clamp: object = None
    ) -> None:
        super().__init__(message)
        self.loc = loc
        self.cause = cause  # what pydantic says of the config; `message` is the run's name then
        self.clamp = clamp  # the one that it says that of


@dataclass(frozen=True)
class ExpandedRun:
    """One run of a study."""

    name: str
    config: RunConfig
    config_hash: str
    values: dict[str, str]  # what every axis is in it, as text
    pointer: str  # what makes it differ from the one before it


@dataclass(frozen=True)
class Expansion:
    """The runs of a study, and those left out because another is the same."""

    runs: list[ExpandedRun]
    duplicates: list[tuple[str, str]]  # the name of what was left out, and of what it equals


class _Change(NamedTuple):
    """One value of one axis."""

    pointer: str
    field: str
    value: JsonValue
    label: str
    said: str  # in the name of a run


class _Point(NamedTuple):
    """What makes one run: the explicit run that it is, if any, and its values."""

    run: int | None
    changes: tuple[_Change, ...]


def expand(request: StudyRequest) -> Expansion:
    """Every run of a study. Raises `StudyError` for the first that cannot be."""
    base = request.base.model_dump(mode="json")
    found: dict[str, ExpandedRun] = {}
    duplicates = []
    for point in _points(request):
        run = _expanded(request, base, point)
        # The first of equals stays: names and places of a study follow the order of the request,
        # and a repeated request must give the same ones.
        same = found.setdefault(run.config_hash, run)
        if same is not run:
            duplicates.append((run.name, same.name))
    return Expansion(list(found.values()), duplicates)


def axis_title(field: str) -> str:
    """What an axis is called: the label of its field."""
    if field == RUN:
        return "Run"
    if field == PROGRAM:
        return "Clamps"
    if match := _SETTING.fullmatch(field):
        infos = (kind.model_fields.get(match[2]) for kind in KINDS)
        return next((info.title for info in infos if info and info.title), match[2])
    return config_fields()[field].title or field


def config_fields() -> dict[str, FieldInfo]:
    """Every option of a config by its path, `seeds.initial`."""
    return {
        f"{section}.{option}": info
        for section, part in RunConfig.model_fields.items()
        if isinstance(part.annotation, type) and issubclass(part.annotation, BaseModel)
        for option, info in part.annotation.model_fields.items()
    }


def _points(request: StudyRequest) -> Iterator[_Point]:
    axes = [_changes(request, index) for index in range(len(request.axes))]
    _check_size(request)
    combined = zip(*axes, strict=True) if request.combine == "zip" and axes else product(*axes)
    combinations = list(combined)
    for run in range(len(request.runs)) if request.runs else (None,):
        for changes in combinations:
            yield _Point(run, changes)


def _check_size(request: StudyRequest) -> None:
    lengths = [len(axis.values) for axis in request.axes]
    if request.combine == "zip" and lengths:
        for index, length in enumerate(lengths):
            if length != lengths[0]:
                raise StudyError(
                    f"/axes/{index}/values",
                    f"{length} values here and {lengths[0]} in the first axis; combined one by "
                    "one, all axes need equally many",
                )
        lengths = lengths[:1]
    count = prod(lengths) * max(1, len(request.runs))
    if count > MOST_RUNS:
        raise StudyError("/axes", f"that makes {count:,} runs; a study has at most {MOST_RUNS:,}")


def _changes(request: StudyRequest, index: int) -> list[_Change]:
    axis = request.axes[index]
    at = f"/axes/{index}"
    _check_field(request, index)
    if axis.labels is not None and len(axis.labels) != len(axis.values):
        raise StudyError(f"{at}/labels", f"{len(axis.labels)} labels for {len(axis.values)} values")
    return [_change(axis, number, f"{at}/values/{number}") for number in range(len(axis.values))]


def _check_field(request: StudyRequest, index: int) -> None:
    field = request.axes[index].field
    if any(axis.field == field for axis in request.axes[:index]):
        raise StudyError(f"/axes/{index}/field", f"{field} varies already in another axis")
    if field == PROGRAM or field in config_fields() or _SETTING.fullmatch(field):
        return
    raise StudyError(
        f"/axes/{index}/field",
        f"{field!r} is no field of a config; write SECTION.OPTION, for instance seeds.initial, "
        "or program, or program.0.strength",
    )


def _change(axis: StudyAxis, number: int, pointer: str) -> _Change:
    value = axis.values[number]
    label = axis.labels[number] if axis.labels else _label(axis.field, value, pointer)
    if axis.labels or axis.field == PROGRAM:
        said = label
    else:
        seed = " seed" if axis.field.startswith("seeds.") else ""
        said = f"{axis_title(axis.field).lower()}{seed} {label}"
    if axis.field == PROGRAM:
        value = _program(value, pointer)
    return _Change(pointer, axis.field, value, label, said)


def _label(field: str, value: JsonValue, pointer: str) -> str:
    """A value as people write it."""
    if field == PROGRAM:
        return _program_label(value, pointer)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return decimal(value)
    return str(value)


def _program_label(value: JsonValue, pointer: str) -> str:
    if isinstance(value, dict):
        return _preset(value, pointer).name
    if not value or not isinstance(value, list):
        return "unclamped"
    clamps = (clamp if isinstance(clamp, dict) else {} for clamp in value)
    parts = [f"{one.get('target') or one.get('kind')} {one.get('site')}" for one in clamps]
    text = ", ".join(parts).replace("_", " ")
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _program(value: JsonValue, pointer: str) -> JsonValue:
    """The clamps that are meant."""
    if not isinstance(value, dict):
        return value
    program: JsonValue = _preset(value, pointer).config.model_dump(mode="json")[PROGRAM]
    return program


def _preset(value: Mapping[str, JsonValue], pointer: str) -> Preset:
    name = value.get("preset")
    if len(value) != 1 or name not in _PRESETS:
        raise StudyError(
            pointer,
            f'write a list of clamps, or {{"preset": ...}} with one of {", ".join(_PRESETS)}',
        )
    return _PRESETS[str(name)]


def _expanded(request: StudyRequest, base: Mapping[str, Any], point: _Point) -> ExpandedRun:
    name, content = _name(request, point), _content(request, base, point)
    try:
        config = RunConfig.model_validate(content)
    except ValidationError as error:
        cause = error.errors(include_url=False)[0]
        blamed = _blamed(request, base, point, cause)
        raise StudyError(blamed, name, cause, _clamp_at(content, cause)) from None
    values = {change.field: change.label for change in point.changes}
    if point.run is not None:
        values = {RUN: request.runs[point.run].name, **values}
    return ExpandedRun(name, config, config.config_hash, values, _pointer(point))


def _pointer(point: _Point) -> str:
    if point.changes:
        return point.changes[-1].pointer
    return "/base" if point.run is None else f"/runs/{point.run}/changes"


def _clamp_at(content: Mapping[str, Any], cause: ErrorDetails) -> object:
    match cause["loc"]:
        case ("program", int(index), *_):
            return content[PROGRAM][index]
    return None


def _name(request: StudyRequest, point: _Point) -> str:
    run = [] if point.run is None else [request.runs[point.run].name]
    name = ", ".join([*run, *(change.said for change in point.changes)]) or "base"
    return name[:1].upper() + name[1:]


def _content(request: StudyRequest, base: Mapping[str, Any], point: _Point) -> Mapping[str, Any]:
    content = base
    if point.run is not None:
        content = _merged(content, request.runs[point.run].changes, f"/runs/{point.run}/changes")
    for change in point.changes:
        content = _put(content, change)
    return content


def _merged(
    content: Mapping[str, Any], changes: Mapping[str, JsonValue], pointer: str
) -> dict[str, Any]:
    merged = dict(content)
    for name, part in changes.items():
        if name == PROGRAM:
            merged[name] = _program(part, f"{pointer}/{PROGRAM}")
        elif isinstance(part, dict) and isinstance(content.get(name), dict):
            merged[name] = {**content[name], **part}
        else:
            merged[name] = part  # which pydantic refuses, saying why
    return merged


def _put(content: Mapping[str, Any], change: _Change) -> dict[str, Any]:
    """The config with one value changed."""
    if change.field == PROGRAM:
        return {**content, PROGRAM: change.value}
    if match := _SETTING.fullmatch(change.field):
        return {**content, PROGRAM: _set(content[PROGRAM], int(match[1]), match[2], change)}
    section, option = change.field.split(".")
    part = content[section]
    return {**content, section: {**part, option: change.value} if isinstance(part, dict) else part}


def _set(program: object, clamp: int, setting: str, change: _Change) -> list[Any]:
    """A program with one setting of one clamp changed."""
    clamps = list(program) if isinstance(program, list) else []
    if clamp >= len(clamps) or not isinstance(clamps[clamp], dict):
        field = change.pointer.partition("/values/")[0] + "/field"
        raise StudyError(
            field, f"{change.field}: the program has no clamp {clamp}; they count from 0"
        )
    clamps[clamp] = {**clamps[clamp], setting: change.value}
    return clamps


def _blamed(
    request: StudyRequest, base: Mapping[str, Any], point: _Point, cause: ErrorDetails
) -> str:
    """What makes a run impossible: what is so alone, or the last value that has a part in it."""
    if point.run is not None and not _can_be(request, base, _Point(point.run, ())):
        return f"/runs/{point.run}/changes"
    for change in point.changes:
        if not _can_be(request, base, _Point(None, (change,))):
            return change.pointer
    section = str(cause["loc"][0]) if cause["loc"] else ""
    touching = [one for one in point.changes if one.field.split(".")[0] == section]
    return _pointer(_Point(point.run, (*point.changes, *touching)))


def _can_be(request: StudyRequest, base: Mapping[str, Any], point: _Point) -> bool:
    try:
        RunConfig.model_validate(_content(request, base, point))
    except (ValidationError, StudyError):
        return False
    return True


def axes_of(request: StudyRequest, runs: Sequence[ExpandedRun]) -> dict[str, list[str]]:
    """What varies in a study, with the labels of what it is in turn."""
    fields = [RUN] * bool(request.runs) + [axis.field for axis in request.axes]
    return {field: list(dict.fromkeys(one.values[field] for one in runs)) for field in fields}
