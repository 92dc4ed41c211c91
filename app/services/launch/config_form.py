"""The launch form: `RunConfig` as fields to show, and what was typed as a `RunConfig`.

Walks the config's pydantic fields, so that a new one appears with its label, unit, default and
explanation without being listed here. Nothing that was typed is lost when it is wrong.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from app.schemas.api.runs import LaunchRequest
from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.config import (
    ModelConfig,
    RecordingConfig,
    RunConfig,
    TaskConfig,
    TrainingConfig,
    dimensions_of,
)
from app.schemas.words import written_out
from app.services.clamps.text import ProgramText, read_program, write_program
from app.services.launch.rounding import rounding
from app.services.launch.sentences import (
    PROGRAM,
    Errors,
    as_text,
    by_place,
    clamp_place,
    full_stop,
    sections,
)

Typed = Mapping[str, str]  # form names, "training.sequences", to what was typed

MODEL = "model"
NAME = "name"
Section = TypeVar("Section", bound=BaseModel)


@dataclass(frozen=True)
class FormField:
    """One option of the config, as the form shows it."""

    path: str
    label: str
    help: str
    unit: str
    limits: str
    kind: Literal["integer", "number", "flag", "choice", "text"]
    choices: tuple[str, ...]
    default: str
    value: str
    errors: Sequence[str]
    note: str  # what becomes of the value, where that is not the value

    @property
    def is_changed(self) -> bool:
        return self.value != self.default

    @property
    def id(self) -> str:
        """The element's id: dots would be classes in selectors."""
        return self.path.replace(".", "-")


@dataclass(frozen=True)
class FormSection:
    """The options of one part of the config."""

    name: str
    help: str
    fields: Sequence[FormField]
    errors: Sequence[str]

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(field.errors for field in self.fields)

    @property
    def summary(self) -> str:
        """The section in one line: what differs from the defaults."""
        changed = [f"{f.label.lower()} {f.value}" for f in self.fields if f.is_changed]
        return ", ".join(changed) or "as in the paper"


@dataclass(frozen=True)
class ConfigForm:
    """What was typed, and what is wrong with it."""

    typed: Typed
    errors: Errors = field(default_factory=dict)
    config: RunConfig | None = None  # None while something is wrong

    @property
    def name(self) -> str:
        return self.typed.get(NAME, "")

    @property
    def program_text(self) -> str:
        return self.typed.get(PROGRAM, "[]")

    @property
    def program_errors(self) -> Sequence[str]:
        return self.errors.get(PROGRAM, [])

    @property
    def general_errors(self) -> Sequence[str]:
        return self.errors.get("", [])

    @cached_property
    def sections(self) -> Sequence[FormSection]:
        return [
            FormSection(
                name=name,
                help=_first_line(section),
                fields=[
                    _form_field(f"{name}.{option}", info, self)
                    for option, info in section.model_fields.items()
                ],
                errors=self.errors.get(name, []),
            )
            for name, section in sections()
        ]

    @property
    def model(self) -> ModelConfig:
        """The model as far as it can be read: grids need a shape even beside an error."""
        return self._readable(ModelConfig)

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """What whole batches make of what was typed, by form name."""
        return rounding(self._readable(TrainingConfig), self._readable(RecordingConfig))

    def _readable(self, section: type[Section]) -> Section:
        """A section of the config; while something in it is wrong, with the defaults of that."""
        name = next(name for name, kind in sections() if kind is section)
        if self.config is not None:
            read: Section = getattr(self.config, name)
            return read
        typed = _tree(self.typed).get(name, {})
        try:
            return section.model_validate(typed)
        except ValidationError as error:
            wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
        try:
            return section.model_validate({k: v for k, v in typed.items() if k not in wrong})
        except ValidationError:  # options that do not fit each other
            return section()

    @cached_property
    def dimensions(self) -> Dimensions:
        """What the program must fit, as far as it can be read."""
        return dimensions_of(self.model, self._readable(TaskConfig), self._readable(TrainingConfig))

    @property
    def typed_program(self) -> ProgramText:
        """The program as it was typed, clamp by clamp."""
        return read_program(self.program_text)

    @property
    def program(self) -> Sequence[BaseClamp]:
        """The clamps as far as they can be read."""
        return self.typed_program.readable


def form_of(config: RunConfig, *, name: str = "") -> ConfigForm:
    """The form that shows `config`."""
    typed = {
        f"{section}.{option}": as_text(getattr(getattr(config, section), option))
        for section, model in sections()
        for option in model.model_fields
    }
    return ConfigForm(typed | {PROGRAM: write_program(config.program), NAME: name}, config=config)


def read_form(typed: Typed) -> ConfigForm:
    """Reads what was typed; errors are sentences under the names of their fields."""
    program = read_program(typed.get(PROGRAM, ""))
    told: Errors = {PROGRAM: [program.error]} if program.error else {}
    try:
        launch = LaunchRequest.model_validate(
            {
                "config": {**_tree(typed), PROGRAM: [] if program.error else program.content},
                NAME: typed.get(NAME, ""),
            }
        )
    except ValidationError as error:
        errors = told | by_place(error.errors(include_url=False), program.items)
        return ConfigForm(typed, errors | _impossible_clamp(ConfigForm(typed, errors)))
    return ConfigForm(typed, told, config=None if told else launch.config)


def _impossible_clamp(form: ConfigForm) -> Errors:
    """What `RunConfig` says of its program only once nothing else is wrong."""
    if any(place.startswith((MODEL, PROGRAM)) for place in form.errors):
        return {}
    try:
        check_program(form.program, form.dimensions)
    except ClampError as error:
        return {clamp_place(error.index): [full_stop(str(error))]}
    return {}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _form_field(path: str, info: FieldInfo, form: ConfigForm) -> FormField:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    default = as_text(info.default)
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    return FormField(
        path=path,
        label=info.title or path,
        help=info.description or "",
        unit=str(extra.get("unit", "")),
        limits=_limits(info),
        kind="choice" if choices else _KINDS.get(info.annotation, "text"),
        choices=tuple(map(str, choices)),
        default=default,
        value=form.typed.get(path, default),
        errors=form.errors.get(path, ()),
        note="" if path in form.errors else form.notes.get(path, ""),
    )


_KINDS: dict[Any, Literal["integer", "number", "flag", "text"]] = {
    int: "integer",
    float: "number",
    bool: "flag",
    str: "text",
}


def _limits(info: FieldInfo) -> str:
    """The allowed range in words."""
    phrases = []
    for rule in info.metadata:
        match rule:
            case Ge(ge=limit):
                phrases.append(f"at least {as_text(limit)}")
            case Gt(gt=limit):
                phrases.append(f"above {as_text(limit)}")
            case Le(le=limit):
                phrases.append(f"at most {as_text(limit)}")
            case Lt(lt=limit):
                phrases.append(f"below {as_text(limit)}")
    return ", ".join(phrases)


def _tree(typed: Typed) -> dict[str, dict[str, str]]:
    """`{"a.b": "1,000"}` -> `{"a": {"b": "1000"}}`; what is empty keeps its default."""
    tree: dict[str, dict[str, str]] = {}
    for name, section in sections():
        for option, info in section.model_fields.items():
            text = typed.get(f"{name}.{option}", "").strip()
            if text:
                tree.setdefault(name, {})[option] = _plain(text, info.annotation)
    return tree


def plain(name: str, text: str) -> str:
    """What was typed of an option, in the one way its value is written; empty: its default."""
    section, _, option = name.partition(".")
    info = dict(sections())[section].model_fields[option]
    bare = _plain(text.strip() or as_text(info.default), info.annotation)
    with suppress(ValueError, OverflowError):
        if info.annotation in (int, float):
            return as_text(float(bare))
    return bare


def _plain(text: str, kind: object) -> str:
    """Numbers without what people group and shorten them with; `1e6` is an integer too."""
    if kind not in (int, float):
        return text
    bare = written_out(text)
    if kind is int and "e" in bare.lower():
        try:
            return f"{float(bare):.0f}" if float(bare).is_integer() else bare
        except (ValueError, OverflowError):
            return bare
    return bare
