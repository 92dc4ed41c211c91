"""Boards as the API and pages say them."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.db import boards as rows
from app.db.models import Board
from app.errors import NotFound
from app.schemas.api.boards import BoardRead, WholeBoardRead
from app.schemas.boards import Block, FigureBlock, TextBlock
from app.services.cursors import read_moment, write_cursor

BLOCK: TypeAdapter[Block] = TypeAdapter(Block)


def blocks_of(board: Board) -> list[Block]:
    """What is on a board, in order."""
    return [BLOCK.validate_python(one) for one in board.blocks]


def stored(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Blocks as the table holds them."""
    return [one.model_dump(mode="json") for one in blocks]


def figure_block(board: Board, block_id: str) -> FigureBlock:
    """The figure with this id, or `NotFound`."""
    found = [one for one in blocks_of(board) if one.id == block_id]
    if not found or isinstance(found[0], TextBlock):
        raise NotFound(f"Board {board.id} has no figure {block_id!r}.")
    return found[0]


def list_boards(
    session: Session, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[BoardRead], str | None]:
    """A page of boards, the last changed first, and the cursor of the next page, if any."""
    past = read_moment(cursor, "boards") if cursor else None
    found = rows.boards_page(session, limit=limit + 1, past=past)
    page = found[:limit]
    more = len(found) > limit
    next_cursor = write_cursor([page[-1].changed_at.isoformat(), page[-1].id]) if more else None
    return [read_board(one) for one in page], next_cursor


def read_board(board: Board) -> BoardRead:
    """What the list says of a board."""
    texts = sum(one["kind"] == "text" for one in board.blocks)
    return BoardRead(
        id=board.id,
        title=board.title,
        version=board.version,
        created_at=board.created_at,
        changed_at=board.changed_at,
        texts=texts,
        figures=len(board.blocks) - texts,
    )


def read_whole_board(board: Board) -> WholeBoardRead:
    """The board with what is on it."""
    return WholeBoardRead(**dict(read_board(board)), blocks=blocks_of(board))
