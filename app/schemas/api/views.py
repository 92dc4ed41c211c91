"""Requests and answers about views of the list of runs that have names."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

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
