"""A query as a tree, and a tree as text."""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

Operator = Literal[":", "=", "!=", "<", "<=", ">", ">=", "~"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
KEYWORDS = ("and", "or", "not")
WORD = r"(?:[^\s()\"<>=~:!]|!(?!=))+"  # what stands alone, and names of fields
_PLAIN = re.compile(r"[\w.+%@/-]+")  # values that need no quotes, whatever stands before them


@dataclass(frozen=True)
class QueryPiece:
    """A part of a query's text; equal to the same text elsewhere."""

    text: str
    offset: int = field(default=0, compare=False)  # in characters, as `length`
    length: int = field(default=0, compare=False)  # with its quotes, if there are any


@dataclass(frozen=True)
class Words:
    """What is looked for in names, notes, tags and ids."""

    said: QueryPiece


@dataclass(frozen=True)
class FieldComparison:
    """A field and what it is compared with: with `:` any of several values, else one."""

    name: QueryPiece  # as columns are called: `min(loss.train)` is `loss.train.min`
    operator: Operator
    values: tuple[QueryPiece, ...]


@dataclass(frozen=True)
class Negation:
    """All runs but these."""

    of: "Node"


@dataclass(frozen=True)
class Conjunction:
    """Runs of which all of this is true; two parts at least."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Disjunction:
    """Runs of which any of this is true; two parts at least."""

    parts: tuple["Node", ...]


Node = Words | FieldComparison | Negation | Conjunction | Disjunction


def names_in(node: Node | None) -> set[str]:
    """The fields that a tree asks about."""
    match node:
        case FieldComparison(name):
            return {name.text}
        case Negation(of):
            return names_in(of)
        case Conjunction(parts) | Disjunction(parts):
            return set().union(*map(names_in, parts))
    return set()


def written(node: Node) -> str:
    """A text that is read as this tree again."""
    match node:
        case Words(said):
            bare = re.fullmatch(WORD, said.text) and said.text.lower() not in KEYWORDS
            return said.text if bare else quoted(said.text)
        case FieldComparison(name, operator, values):
            space = "" if operator in (":", "~") else " "
            return f"{name.text}{space}{operator}{space}{','.join(map(_value, values))}"
        case Negation(of):
            return f"not {_inner(of)}"
        case Conjunction(parts):
            return " ".join(map(_inner, parts))
    return " or ".join(map(_inner, node.parts))


def quoted(text: str) -> str:
    """The text as a string of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def both(one: str, other: str) -> str:
    """The query of what is true of two queries, either of which may be empty."""
    said = [text for text in (one, other) if text.strip()]
    return " ".join(f"({text})" for text in said) if len(said) > 1 else "".join(said)


def words_alone(text: str) -> str:
    """The query that looks for these words, whatever signs they have."""
    return " ".join(map(quoted, text.split()))


def _inner(node: Node) -> str:
    text = written(node)
    return f"({text})" if isinstance(node, Conjunction | Disjunction) else text


def _value(piece: QueryPiece) -> str:
    return piece.text if _PLAIN.fullmatch(piece.text) else quoted(piece.text)
