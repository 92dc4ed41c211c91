"""The launch form: `RunConfig` as fields to show, and what was typed as a `RunConfig`.

Walks the config's pydantic fields, so that a new one appears with its label, unit, default and
explanation without being listed here. Nothing that was typed is lost when it is wrong.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.schemas.api import LaunchRequest
from app.schemas.check import ClampError, check_program
from app.schemas.clamp import Program
from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig, dimensions_of
from app.schemas.dimensions import Dimensions

Typed = Mapping[str, str]  # form names, "training.sequences", to what was typed
Errors = dict[str, list[str]]  # form names to sentences

PROGRAM = "program"
MODEL = "model"
NAME = "name"
_PROGRAM: TypeAdapter[Program] = TypeAdapter(Program)
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
                    _form_field(f"{name}.{option}", info, self.typed, self.errors)
                    for option, info in section.model_fields.items()
                ],
                errors=self.errors.get(name, []),
            )
            for name, section in _sections()
        ]

    @property
    def model(self) -> ModelConfig:
        """The model as far as it can be read: grids need a shape even beside an error."""
        return self._readable(ModelConfig)

    def _readable(self, section: type[Section]) -> Section:
        """A section of the config, or its defaults while something in it is wrong."""
        name = next(name for name, kind in _sections() if kind is section)
        if self.config is not None:
            read: Section = getattr(self.config, name)
            return read
        try:
            return section.model_validate(_tree(self.typed).get(name, {}))
        except ValidationError:
            return section()

    @cached_property
    def dimensions(self) -> Dimensions:
        """What the program must fit, as far as it can be read."""
        return dimensions_of(self.model, self._readable(TaskConfig), self._readable(TrainingConfig))

    @cached_property
    def program(self) -> Program:
        """The clamps as far as they can be read."""
        try:
            return _PROGRAM.validate_json(self.program_text)
        except ValidationError:
            return ()


def form_of(config: RunConfig, *, name: str = "") -> ConfigForm:
    """The form that shows `config`."""
    typed = {
        f"{section}.{option}": _as_text(getattr(getattr(config, section), option))
        for section, model in _sections()
        for option in model.model_fields
    }
    program = _PROGRAM.dump_python(config.program, mode="json")
    return ConfigForm(typed | {PROGRAM: program_text(program), NAME: name}, config=config)


def program_text(program: Sequence[Mapping[str, Any]]) -> str:
    """A program as JSON, one clamp a line."""
    lines = ",\n".join(f"  {json.dumps(clamp)}" for clamp in program)
    return f"[\n{lines}\n]" if lines else "[]"


def read_form(typed: Typed) -> ConfigForm:
    """Reads what was typed; errors are sentences under the names of their fields."""
    try:
        program = json.loads(typed.get(PROGRAM) or "[]")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return ConfigForm(typed, {PROGRAM: [f"This is not JSON ({where}): {error.msg}."]})
    try:
        launch = LaunchRequest.model_validate(
            {"config": {**_tree(typed), PROGRAM: program}, NAME: typed.get(NAME, "")}
        )
    except ValidationError as error:
        errors = _by_field(error.errors(include_url=False))
        return ConfigForm(typed, errors | _impossible_clamps(ConfigForm(typed, errors)))
    return ConfigForm(typed, config=launch.config)


def _impossible_clamps(form: ConfigForm) -> Errors:
    """What `RunConfig` says of its program only once nothing else is wrong."""
    if any(place.startswith((MODEL, PROGRAM)) for place in form.errors):
        return {}
    try:
        check_program(form.program, form.dimensions)
    except ClampError as error:
        return {PROGRAM: [f"Clamp {error.index + 1}: {_full_stop(str(error))}"]}
    return {}


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, info in RunConfig.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield name, info.annotation


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _labels() -> Iterator[tuple[str, str]]:
    """Names of options that nobody would write in a sentence, and their labels."""
    for _, section in _sections():
        for option, info in section.model_fields.items():
            if "_" in option:
                yield option, info.title or option


def _form_field(path: str, info: FieldInfo, typed: Typed, errors: Errors) -> FormField:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    default = _as_text(info.default)
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
        value=typed.get(path, default),
        errors=errors.get(path, ()),
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
                phrases.append(f"at least {_as_text(limit)}")
            case Gt(gt=limit):
                phrases.append(f"above {_as_text(limit)}")
            case Le(le=limit):
                phrases.append(f"at most {_as_text(limit)}")
            case Lt(lt=limit):
                phrases.append(f"below {_as_text(limit)}")
    return ", ".join(phrases)


def _as_text(value: object) -> str:
    """How a value is written in the form: `1,000,000`, `1e-5`, `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return ", ".join("-".join(map(str, labels)) for labels in value)
    if isinstance(value, float):
        return repr(value).removesuffix(".0").replace("e-0", "e-")
    return str(value)


def _tree(typed: Typed) -> dict[str, dict[str, str]]:
    """`{"a.b": "1,000"}` -> `{"a": {"b": "1000"}}`; what is empty keeps its default."""
    tree: dict[str, dict[str, str]] = {}
    for name, section in _sections():
        for option, info in section.model_fields.items():
            text = typed.get(f"{name}.{option}", "").strip()
            if text:
                tree.setdefault(name, {})[option] = _plain(text, info.annotation)
    return tree


def _plain(text: str, kind: object) -> str:
    """Numbers without the separators that people group them with; `1e6` is an integer too."""
    if kind not in (int, float):
        return text
    bare = text.replace(",", "").replace("_", "").replace(" ", "").replace("\u2009", "")
    if kind is int and "e" in bare.lower():
        try:
            return f"{float(bare):.0f}" if float(bare).is_integer() else bare
        except (ValueError, OverflowError):
            return bare
    return bare


def _by_field(errors: Sequence[ErrorDetails]) -> Errors:
    grouped: Errors = {}
    for error in errors:
        place, prefix = _place(error["loc"])
        grouped.setdefault(place, []).append(prefix + _sentence(error))
    return grouped


def _place(loc: tuple[int | str, ...]) -> tuple[str, str]:
    """The form name that an error belongs to, and what to say before it."""
    loc = loc[1:] if loc[:1] == ("config",) else loc
    if loc and loc[0] == PROGRAM:
        which = f"Clamp {loc[1] + 1}: " if len(loc) > 1 and isinstance(loc[1], int) else ""
        return PROGRAM, which
    return ".".join(map(str, loc[:2])), ""


_PHRASES = {
    "greater_than_equal": "Must be at least {ge}.",
    "greater_than": "Must be above {gt}.",
    "less_than_equal": "Must be at most {le}.",
    "less_than": "Must be below {lt}.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "int_parsing_size": "That number is too large.",
    "float_parsing": "Write a number.",
    "finite_number": "Write a finite number.",
    "bool_parsing": "Write true or false.",
    "string_too_long": "Write at most {max_length} characters.",
    "literal_error": "Choose {expected}.",
    "union_tag_invalid": "{tag!r} is no kind of clamp; write {expected_tags}.",
    "union_tag_not_found": 'Say which clamp it is: "kind" is missing.',
    "missing": "Something is missing: {field}.",
    "extra_forbidden": "{field!r} means nothing here.",
    "tuple_type": "Write a list of clamps: [ ... ].",
}


def _sentence(error: ErrorDetails) -> str:
    context = dict(error.get("ctx", {}))
    limits = {key: _as_text(context[key]) for key in ("ge", "gt", "le", "lt") if key in context}
    field_name = str(error["loc"][-1]) if error["loc"] else ""
    phrase = _PHRASES.get(error["type"])
    if error["type"] == "string_pattern_mismatch":
        return "Write one of the forms named below."
    if phrase is not None:
        return phrase.format(**context | limits, field=field_name)
    message = str(context.get("error") or context.get("reason") or error["msg"])
    for option, label in _labels():
        message = message.replace(option, f"“{label}”")
    return _full_stop(message)


def _full_stop(message: str) -> str:
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
