"""What the REST API says of boards."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.schemas.boards import Block


class BoardRead(BaseModel):
    """A board in the list."""

    id: str
    title: str
    version: int = Field(description="Raised with every change; send it with the next one")
    created_at: datetime
    changed_at: datetime
    texts: int = Field(description="How many of its blocks are texts")
    figures: int


class WholeBoardRead(BoardRead):
    """A board with what is on it."""

    blocks: list[Block]


class BoardPage(BaseModel):
    """Some boards, and where the next ones start."""

    boards: list[BoardRead]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null at end")


class BoardFigureRead(BaseModel):
    """A figure of a board as it is now."""

    kind: str = Field(description="`run`, or `overlay`: curves of several runs")
    title: str
    note: str
    height: int = Field(description="In pixels")
    smoothing: float = Field(description="Weight of the moving mean that is still to be drawn")
    is_over: bool = Field(description="Every run in it has ended")
    figure: dict[str, Any] = Field(description="`plotly.graph_objects.Figure(figure)` draws it")
