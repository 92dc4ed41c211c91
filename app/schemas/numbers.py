"""Numbers as JSON has them: `true` is none, though Python counts with it, and 1 is no `true`."""

from functools import cache
from types import NoneType
from typing import Annotated, get_args

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

# Of places in a run, and whatever else is compared with a column: the database holds 64 bits,
# JavaScript counts exactly up to here.
LARGEST = 2**53 - 1

Place = Annotated[int, Field(ge=0, le=LARGEST)]  # in training sequences


class Numbers(BaseModel):
    """A model whose numbers take no booleans, nor the other way round. Texts of forms are read."""

    @field_validator("*", mode="before")
    @classmethod
    def _booleans_are_no_numbers(cls, value: object, info: ValidationInfo) -> object:
        kinds = _kinds(cls, info.field_name or "")
        if _holds_boolean(value) and bool not in kinds and kinds & {int, float}:
            raise PydanticCustomError("number", "Write a number, not true or false")
        if isinstance(value, int | float) and not isinstance(value, bool) and kinds == {bool}:
            raise PydanticCustomError("boolean", "Write true or false, not a number")
        return value


def _holds_boolean(value: object) -> bool:
    if isinstance(value, list | tuple):
        # Of two levels, as label combinations are: a list of anything else is refused as such.
        return any(isinstance(one, bool) or _has(one) for one in value)
    return isinstance(value, bool)


def _has(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, bool) for one in value)


@cache
def _kinds(model: type[BaseModel], field: str) -> frozenset[object]:
    """Which types a value of the field may hold, at any depth."""
    return frozenset(_parts(model.model_fields[field].annotation)) - {NoneType}


def _parts(annotation: object) -> list[object]:
    return [annotation, *(part for inner in get_args(annotation) for part in _parts(inner))]
