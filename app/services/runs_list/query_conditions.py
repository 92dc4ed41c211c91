"""A query as a condition of statements about runs.

A run that lacks what is asked for is neither less nor more nor equal nor unequal; of `not` it is
one. So every comparison may be null, which counts as false, and `not` counts it so, too.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Double, and_, false, func, literal, not_, or_

from app.db.models import Run, Study
from app.db.runs_list import asking
from app.errors import InvalidQuery
from app.schemas.query.errors import QueryError, nearest
from app.schemas.query.parser import parse
from app.schemas.query.tree import (
    Conjunction,
    Disjunction,
    FieldComparison,
    Negation,
    Node,
    Operator,
    QueryPiece,
    Words,
)
from app.schemas.words import either
from app.services.runs_list.programs import programs
from app.services.runs_list.query_fields import (
    SWITCH,
    YES,
    FieldKind,
    QueryField,
    field_called,
    fields,
)
from app.services.runs_list.query_values import TimeSpan, read_number, read_time

Condition = ColumnElement[bool]
NO_NUMBER, ANY_NUMBER = "none", "any"  # instead of a number: whether there is one

_COMPARED: dict[Operator, Callable[[ColumnElement[Any], ColumnElement[Any]], Condition]] = {
    "<": lambda key, value: key < value,
    "<=": lambda key, value: key <= value,
    ">": lambda key, value: key > value,
    ">=": lambda key, value: key >= value,
}


def condition_of(text: str) -> Condition | None:
    """What the text asks for; None if nothing. Raises `InvalidQuery`."""
    try:
        tree = parse(text)
        return None if tree is None else _condition(tree)
    except QueryError as error:
        raise InvalidQuery(
            str(error),
            text,
            offset=error.offset,
            length=error.length,
            suggestion=error.suggestion,
        ) from None


def _condition(node: Node) -> Condition:
    match node:
        case Words(said):
            return asking.has_word(said.text)
        case Negation(of):
            return not_(func.coalesce(_condition(of), false()))
        case Conjunction(parts):
            return and_(*map(_condition, parts))
        case Disjunction(parts):
            return or_(*map(_condition, parts))
    return _compared(_field(node.name), node)


def _field(name: QueryPiece) -> QueryField:
    found = field_called(name.text)
    if found is None:
        raise QueryError(
            f"There is no field {name.text!r}; to look for words with these signs, write them in "
            "quotes.",
            name.offset,
            name.length,
            nearest(name.text, fields()),
        )
    return found


def _compared(field: QueryField, asked: FieldComparison) -> Condition:
    operators, read = _KINDS[field.kind]
    if asked.operator not in operators:
        raise QueryError(
            f"{field.name} cannot be compared with {asked.operator}; write {either(operators)}.",
            asked.name.offset,
            asked.name.length,
        )
    if asked.operator == "!=":
        return not_(read(field, "=", asked.values[0]))
    return or_(*(read(field, asked.operator, value) for value in asked.values))


def _number(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    if operator in _COMPARED:
        number = literal(read_number(value), Double)
        return _COMPARED[operator](field.key, number)
    if value.text in (NO_NUMBER, ANY_NUMBER):
        return _presence(field, value)
    return field.key == literal(read_number(value), Double)


def _presence(field: QueryField, value: QueryPiece) -> Condition:
    return field.key.is_(None) if value.text == NO_NUMBER else field.key.is_not(None)


def _moment(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    if operator not in _COMPARED and value.text in (NO_NUMBER, ANY_NUMBER):
        return _presence(field, value)
    span = read_time(value, datetime.now(UTC))
    begin, end = (literal(one, field.key.type) for one in span)
    match operator:
        case "<":
            return field.key < begin
        case ">=":
            return field.key >= begin
        case "<=":
            return field.key < end if _is_day(span) else field.key <= end
        case ">":
            return field.key >= end if _is_day(span) else field.key > end
    return and_(field.key >= begin, field.key < end) if _is_day(span) else field.key == begin


def _is_day(span: TimeSpan) -> bool:
    return span.begin != span.end


def _text(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    if operator == "~":
        return field.key.icontains(value.text, autoescape=True)
    said = _one_of(field, value) if field.values else value.text
    return field.key == SWITCH.get(said, said) if _is_switch(field) else field.key == said


def _is_switch(field: QueryField) -> bool:
    return field.values == tuple(SWITCH)


def _one_of(field: QueryField, value: QueryPiece) -> str:
    """The value that is meant, of few."""
    small = {one.lower(): one for one in field.values}
    if value.text.lower() not in small:
        raise QueryError(
            f"{field.name} is never {value.text!r}; it is {either(field.values)}.",
            value.offset,
            value.length,
            nearest(value.text, field.values),
        )
    return small[value.text.lower()]


def _name(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    return asking.name_holds(value.text) if operator == "~" else Run.name == value.text


def _notes(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    return asking.notes_hold(value.text) if operator == "~" else Run.notes == value.text


def _tags(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    return asking.tag_holds(value.text) if operator == "~" else asking.has_tags([value.text])


def _study(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    if operator == "~":
        return asking.in_study_called(Study.name.icontains(value.text, autoescape=True))
    return asking.in_study_called(or_(Study.id == value.text, Study.name == value.text))


def _clamp(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    return or_(*map(asking.has_program, programs()[_one_of(field, value)]))


def _switch(field: QueryField, operator: Operator, value: QueryPiece) -> Condition:
    return field.key if _one_of(field, value) == YES else ~field.key


def operators_of(field: QueryField) -> tuple[Operator, ...]:
    """What the field can be compared with."""
    return _KINDS[field.kind][0]


Reader = Callable[[QueryField, Operator, QueryPiece], Condition]
_SAME: tuple[Operator, ...] = (":", "=", "!=")
_ORDERED: tuple[Operator, ...] = (*_SAME, *_COMPARED)
_KINDS: dict[FieldKind, tuple[tuple[Operator, ...], Reader]] = {
    "number": (_ORDERED, _number),
    "moment": (_ORDERED, _moment),
    "text": ((*_SAME, "~"), _text),
    "name": ((*_SAME, "~"), _name),
    "notes": ((*_SAME, "~"), _notes),
    "tags": ((*_SAME, "~"), _tags),
    "study": ((*_SAME, "~"), _study),
    "clamp": (_SAME, _clamp),
    "switch": (_SAME, _switch),
}
