"""Answers about queries over runs."""

from typing import Literal

from pydantic import BaseModel, Field

from app.schemas.query.tree import Operator
from app.schemas.text import Shown


class QueryFieldRead(BaseModel):
    """One thing that a query can ask about."""

    name: str
    title: str
    unit: str = Field(description="Of numbers; empty: they have none")
    kind: Literal["number", "text", "time"]
    is_measured: bool = Field(description="Whether `min(NAME)` and the like are there, too")
    operators: list[Operator] = Field(description="What it can be compared with")
    values: list[Shown] = Field(description="All that it can be, or some that it is; mostly none")


class QueryFields(BaseModel):
    """Everything that a query can ask about."""

    fields: list[QueryFieldRead]
