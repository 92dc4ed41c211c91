"""Reads a query: `state:finished learning_rate < 1e-4 and min(loss.new_classes) < .1 or tag:fig5`.

    any     = all { "or" all }
    all     = one { [ "and" ] one }
    one     = "not" one | "(" any ")" | name compare | word | string
    name    = word | ( "min" | "max" | "last" ) "(" word ")" | "at" "(" word "," place ")"
    compare = ":" value { "," value } | ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ) value

A function is another way to write a column: `min(x)` is `x.min`, `last(x)` is `x`, `at(x, 50k)`
is `x@50k`. What fields there are, and what their values mean, is not known here.
"""

import re

from app.schemas.query.errors import QueryError, nearest
from app.schemas.query.tree import (
    KEYWORDS,
    OPERATORS,
    WORD,
    Conjunction,
    Disjunction,
    FieldComparison,
    Negation,
    Node,
    Operator,
    QueryPiece,
    Words,
)
from app.schemas.text import flaw

LONGEST = 2000  # characters
DEEPEST = 20  # brackets and `not`s within one another
MOST_TERMS = 50

FUNCTIONS = {"min": "{}.min", "max": "{}.max", "last": "{}", "at": "{}@{}"}

_SPACE = re.compile(r"\s*")
_WORD = re.compile(WORD)
_OPERATOR = re.compile("|".join(sorted(OPERATORS, key=len, reverse=True)))
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_VALUE = re.compile(r'[^\s()"]+')  # with commas: 300,000 is a number
_LISTED = re.compile(r'[^\s()",]+')
_MEASURE = re.compile(r"[^\s()\",<>=~:]+")
_PLACE = re.compile(r"[^\s()\"<>=~:]+")  # with commas, as a value
_CALL = re.compile(r"\w+(?=\([^()]*\)\s*(?:[:=<>~]|!=))")


def parse(text: str) -> Node | None:
    """The tree of a text; None of an empty one. Raises `QueryError`."""
    if len(text) > LONGEST:
        raise QueryError(
            f"A query has at most {LONGEST:,} characters; this has {len(text):,}.", LONGEST
        )
    if said := flaw(text):
        raise QueryError(said, 0)
    return _QueryReader(text).query()


class _QueryReader:
    """A place in a text that moves to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0

    def query(self) -> Node | None:
        self._skip()
        if self._at == len(self._text):
            return None
        found = self._any(0)
        if self._at < len(self._text):  # nothing else ends a part
            raise QueryError("There is no ( before this ).", self._at, 1)
        return found

    def _any(self, depth: int) -> Node:
        parts = [self._all(depth)]
        while self._takes("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Disjunction(tuple(parts))

    def _all(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._takes("and") or not self._ends():
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts))

    def _ends(self) -> bool:
        """Whether nothing more belongs to what is true together."""
        return self._at == len(self._text) or self._next() == ")" or self._keyword().lower() == "or"

    def _one(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise QueryError(f"This is nested more than {DEEPEST} deep.", self._at, 1)
        if self._takes("not"):
            return Negation(self._one(depth + 1))
        if self._next() == "(":
            return self._bracketed(depth)
        return self._term()

    def _bracketed(self, depth: int) -> Node:
        opened = self._at
        self._step(1)
        found = self._any(depth + 1)
        if self._next() != ")":
            raise QueryError("This ( is not closed.", opened, 1)
        self._step(1)
        return found

    def _term(self) -> Words | FieldComparison:
        self._count_term()
        if self._next() == '"':
            string = self._string()
            self._refuse_operator("A field is written without quotes.")
            return Words(string)
        self._expect_term()
        name = self._name()
        operator = self._operator()
        return (
            Words(name)
            if operator is None
            else FieldComparison(name, operator, self._values(operator))
        )

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise QueryError(f"A query has at most {MOST_TERMS} words and values.", self._at)

    def _expect_term(self) -> None:
        """Raises unless a word comes that is no keyword."""
        self._refuse_operator("Write a field before this, for instance state:finished.")
        if self._next() in ("", ")") or self._keyword():
            length = len(self._keyword() or self._next())
            raise QueryError("Something is missing here: a word or a field.", self._at, length)

    def _refuse_operator(self, why: str) -> None:
        if found := _OPERATOR.match(self._text, self._at):
            raise QueryError(why, self._at, len(found[0]))

    def _name(self) -> QueryPiece:
        """A word, or a function of one as columns are called."""
        call = _CALL.match(self._text, self._at)
        if call is None:
            return self._piece(_WORD)
        function, begun = call[0].lower(), self._at
        if function not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise QueryError(
                f"There is no function {call[0]!r}; there are {known}.",
                begun,
                len(call[0]),
                nearest(function, FUNCTIONS),
            )
        self._step(len(call[0]) + 1)
        arguments = self._arguments(function)
        return QueryPiece(FUNCTIONS[function].format(*arguments), begun, self._at - begun)

    def _arguments(self, function: str) -> list[str]:
        wanted = ["a measure", "a place"] if function == "at" else ["a measure"]
        found = []
        for index, what in enumerate(wanted):
            if index:
                self._take(",", f"Write a place after a comma: {function}(loss.train, 50k).")
            pattern = _PLACE if index else _MEASURE
            if not pattern.match(self._text, self._at):
                raise QueryError(f"{what.capitalize()} is missing here.", self._at)
            found.append(self._piece(pattern).text)
            self._skip()
        self._take(")", f"{function}() takes {' and '.join(wanted)}.")
        return found

    def _take(self, sign: str, why: str) -> None:
        if self._next() != sign:
            raise QueryError(why, self._at, 1)
        self._step_only(1)
        if sign == ",":
            self._skip()

    def _operator(self) -> Operator | None:
        self._skip()
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            return None
        self._step(len(found[0]))
        return next(one for one in OPERATORS if one == found[0])

    def _values(self, operator: Operator) -> tuple[QueryPiece, ...]:
        pattern = _LISTED if operator == ":" else _VALUE
        found = [self._value(operator, pattern)]
        self._skip()
        while operator == ":" and self._next() == ",":
            self._step(1)
            self._count_term()
            found.append(self._value(operator, pattern))
            self._skip()
        return tuple(found)

    def _value(self, operator: str, pattern: re.Pattern[str]) -> QueryPiece:
        if self._next() == '"':
            return self._string()
        if not pattern.match(self._text, self._at):
            raise QueryError(f"Write a value after the {operator}", self._at, len(self._next()))
        return self._piece(pattern)

    def _string(self) -> QueryPiece:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise QueryError("This quote is not closed.", self._at, 1)
        begun = self._at
        self._step(len(found[0]))
        return QueryPiece(re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), begun, len(found[0]))

    def _piece(self, pattern: re.Pattern[str]) -> QueryPiece:
        found = pattern.match(self._text, self._at)
        assert found is not None  # whoever asks has looked
        begun = self._at
        self._step_only(len(found[0]))
        return QueryPiece(found[0], begun, len(found[0]))

    def _keyword(self) -> str:
        """The keyword that comes next, as it is written; empty if none does."""
        found = _WORD.match(self._text, self._at)
        return found[0] if found and found[0].lower() in KEYWORDS else ""

    def _takes(self, keyword: str) -> bool:
        self._skip()
        if self._keyword().lower() != keyword:
            return False
        self._step(len(keyword))
        return True

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _step(self, length: int) -> None:
        self._step_only(length)
        self._skip()

    def _step_only(self, length: int) -> None:
        self._at += length

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
