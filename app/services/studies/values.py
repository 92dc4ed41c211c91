"""Values of an axis as people type them: `5, 6, 7`, `5..9`, `1e-5; 3e-5`, `rotary, learned`."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from app.schemas.studies.request import MOST_VALUES
from app.schemas.words import decimal, written_out

_RANGE = re.compile(r"(-?\d+)\s*\.\.\.?\s*(-?\d+)")
_GROUPED = re.compile(r"-?\d{1,3}([ ,_\u2009]\d{3})+")  # 300,000
_SHORT = re.compile(r"-?\d+(\.\d+)?[kM]")  # 150k, 1.5M
_WORDS: dict[str, JsonValue] = {"true": True, "on": True, "false": False, "off": False}


class ValuesError(ValueError):
    """What was typed is no list of values; says what would be."""


def read_values(text: str, *, is_text: bool = False) -> list[JsonValue]:
    """The values; `is_text`: as they are, which for a field of text is what is meant.

    A semicolon anywhere makes it the separator, so that values may hold commas.
    """
    parts = [part.strip() for part in text.split(";" if ";" in text else ",")]
    values = [value for part in parts if part for value in _read(part, is_text=is_text)]
    if not values:
        raise ValuesError("Write the values, for instance 5, 6, 7 or 5..9.")
    if len(values) > MOST_VALUES:
        raise ValuesError(f"At most {MOST_VALUES:,} values.")
    return values


def _read(part: str, *, is_text: bool) -> Iterator[JsonValue]:
    if is_text:
        yield part
    elif match := _RANGE.fullmatch(part):
        yield from _between(int(match[1]), int(match[2]))
    elif part.lower() in _WORDS:
        yield _WORDS[part.lower()]
    else:
        yield _number(part)


def _between(first: int, last: int) -> Iterator[int]:
    if abs(last - first) >= MOST_VALUES:
        raise ValuesError(f"{first}..{last} is too long; at most {MOST_VALUES:,} values.")
    step = 1 if last >= first else -1
    yield from range(first, last + step, step)


def _number(part: str) -> JsonValue:
    """A number, also one whose digits are grouped or that is shortened; a word if it is none."""
    bare = written_out(part) if _GROUPED.fullmatch(part) or _SHORT.fullmatch(part) else part
    try:
        number = float(bare)
    except ValueError:
        return part
    is_whole = number.is_integer() and not re.search(r"\.|e-", bare.lower())
    return int(number) if is_whole else number


def write_values(values: list[JsonValue]) -> str:
    """Values as they would be typed."""
    texts = [_text(value) for value in values]
    return ("; " if any("," in text for text in texts) else ", ").join(texts)


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, list):  # label combinations
        return ", ".join("-".join(map(str, one)) for one in value if isinstance(one, list))
    return str(value)
