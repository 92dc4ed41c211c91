"""Requests and answers about what the list of runs can be asked, and its views with names."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.schemas.query.tree import Operator
from app.schemas.text import SOUND, Body, Shown

LONGEST_NAME, LONGEST_ADDRESS = 80, 8000

ViewName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME), SOUND
]
ViewAddress = Annotated[
    str,
    StringConstraints(max_length=LONGEST_ADDRESS),
    SOUND,
    Field(
        description="What stands after the `?` in the address of the list: `q`, `state`, `tag`,"
        " `sort`, `columns` ...",
        examples=["q=min(loss.new_classes)+<+.1&sort=midpoint&columns=midpoint,loss.train.min"],
    ),
]


class SavedViewRequest(Body):
    """A view to keep."""

    name: ViewName
    address: ViewAddress


class SavedViewPatch(Body):
    """What to change about a view; the rest stays."""

    name: ViewName | None = None
    address: ViewAddress | None = None


class SavedViewRead(BaseModel):
    """A view with a name: a query, filters, an order and columns."""

    id: str = Field(description="`/runs?view=ID` shows it; it stays when the name changes")
    name: Shown
    address: Shown = Field(description="What stands after the `?` in the address of the list")
    created_at: datetime


class SavedViews(BaseModel):
    """All views, by name."""

    views: list[SavedViewRead]


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
