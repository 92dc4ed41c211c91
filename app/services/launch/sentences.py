"""What pydantic says of a form, as sentences at the form's fields and clamps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.config import RunConfig
from app.schemas.words import decimal
from app.services.clamps.text import site_text

Errors = dict[str, list[str]]  # form names to sentences

PROGRAM = "program"


def clamp_place(index: int) -> str:
    """The form name of a clamp of the program."""
    return f"{PROGRAM}.{index}"


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """The parts of a config that have options."""
    for name, info in RunConfig.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield name, info.annotation


def by_place(errors: Sequence[ErrorDetails], items: Sequence[Any]) -> Errors:
    """Every error where it belongs; `items`: the program's."""
    found: Errors = {}
    for error in errors:
        loc = error["loc"]
        loc = loc[1:] if loc[:1] == ("config",) else loc
        if loc[:1] == (PROGRAM,) and len(loc) > 1 and isinstance(loc[1], int):
            place, sentence = clamp_place(loc[1]), clamp_sentence(error, loc[2:], items[loc[1]])
        else:
            place, sentence = ".".join(map(str, loc[:2])), sentence_of(error)
        said = found.setdefault(place, [])
        if sentence not in said:  # a value that may be of several types is wrong as each of them
            said.append(sentence)
    return found


def clamp_sentence(error: ErrorDetails, steps: Sequence[int | str], item: object) -> str:
    """An error in a clamp, naming its site: `L1H3.pattern[query]: “Strength” must be at most 1.`

    `steps`: where it is in the clamp, as pydantic says it; `item`: the clamp as it was given.
    """
    site, setting = site_text(item), _setting(steps, item)
    if error["type"] == "clamp_kind":
        message = _unknown_kind(item)
    else:
        message = _about(setting, error) if setting else sentence_of(error)
    if not site or site in message:
        return message
    return f"{site}: {message[:1].lower()}{message[1:]}"


def _unknown_kind(item: object) -> str:
    """What an item calls itself, and what it could."""
    if not isinstance(item, Mapping):
        return 'Write a clamp: {"kind": ..., "site": ...}.'
    kind, kinds = item.get("kind"), [entry.fixed["kind"] for entry in CATALOGUE]
    if kind is None:
        return 'Say which clamp it is: "kind" is missing.'
    if kind not in kinds:
        return f"{kind!r} is no kind of clamp; write one of {', '.join(dict.fromkeys(kinds))}."
    targets = [entry.fixed["target"] for entry in CATALOGUE if entry.fixed["kind"] == kind]
    if "target" not in item:
        return f'Say which {kind} it is: "target" is missing; write one of {", ".join(targets)}.'
    return f"{item['target']!r} is no target of {kind}; write one of {', '.join(targets)}."


def _setting(steps: Sequence[int | str], item: object) -> Mapping[str, Any] | None:
    """What the catalogue says of the field that an error is about. Before its name, pydantic
    names the kind of the clamp; behind it, the type of the value."""
    if not isinstance(item, Mapping) or len(steps) < 2:
        return None
    for entry in CATALOGUE:
        if all(item.get(name) == value for name, value in entry.fixed.items()):
            setting: Mapping[str, Any] | None = entry.settings.get(str(steps[1]))
            return setting
    return None


def _about(setting: Mapping[str, Any], error: ErrorDetails) -> str:
    """An error in the value of a setting; one that takes several types says which."""
    label = f"“{setting['title']}”"
    if error["type"] == "missing":
        return f"{label} is missing: {setting['description']}"
    takes_lists = any(one.get("type") == "array" for one in setting.get("anyOf", ()))
    if takes_lists or error["type"] == "string_pattern_mismatch":
        return f"{label}: {setting['description']}"
    message = sentence_of(error)
    if error["type"] not in _PHRASES:
        return message
    joint = " " if message.startswith("Must") else ": "
    return f"{label}{joint}{message[:1].lower()}{message[1:]}"


_PHRASES = {
    "greater_than_equal": "Must be at least {ge}.",
    "greater_than": "Must be above {gt}.",
    "less_than_equal": "Must be at most {le}.",
    "less_than": "Must be below {lt}.",
    "int_parsing": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "int_parsing_size": "That number is too large.",
    "float_parsing": "Write a number.",
    "float_type": "Write a number.",
    "finite_number": "Write a finite number.",
    "bool_parsing": "Write true or false.",
    "string_type": "Write a text.",
    "string_too_long": "Write at most {max_length} characters.",
    "literal_error": "Choose {expected}.",
    "missing": "Something is missing: {field}.",
    "extra_forbidden": "{field!r} means nothing here.",
    "tuple_type": "Write a list of clamps: [ ... ].",
}


def sentence_of(error: ErrorDetails) -> str:
    """An error in the form's words."""
    context = dict(error.get("ctx", {}))
    limits = {key: as_text(context[key]) for key in ("ge", "gt", "le", "lt") if key in context}
    phrase = _PHRASES.get(error["type"])
    if error["type"] == "string_pattern_mismatch":
        return "Write one of the forms named below."
    if phrase is not None:
        named = {"field": str(error["loc"][-1]) if error["loc"] else ""}
        return phrase.format(**context | limits | named)
    message = str(context.get("error") or context.get("reason") or error["msg"])
    for option, label in sorted(_labels(), key=lambda pair: -len(pair[0])):
        message = message.replace(option, f"“{label}”")
    return full_stop(message)


def _labels() -> Iterator[tuple[str, str]]:
    """Names of options that nobody would write in a sentence, and their labels."""
    for _, section in sections():
        for option, info in section.model_fields.items():
            if "_" in option:
                yield option, info.title or option


def full_stop(message: str) -> str:
    """A sentence."""
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")


def as_text(value: object) -> str:
    """How a value is written in the form: `1,000,000`, `1e-5`, `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return ", ".join("-".join(map(str, labels)) for labels in value)
    if isinstance(value, float):
        return decimal(value)
    return str(value)
