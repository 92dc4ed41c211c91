"""Boards: make, change, delete. A change says from which version it was made."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.orm import Session

from app.db import access
from app.db import boards as rows
from app.db.models import Board
from app.errors import Conflict, Invalid, NotFound
from app.schemas.access import Scope
from app.schemas.boards import MOST_BLOCKS, Block, BoardPatch, BoardRequest
from app.services.boards.board_read import blocks_of, stored
from app.services.boards.views import check_blocks
from app.services.runs.creation import new_id
from app.services.runs.permission import require


def create(session: Session, request: BoardRequest) -> Board:
    """A new board. Raises `Invalid` for figures that cannot be read."""
    check_blocks(request.blocks)
    board = Board(id=new_id(), title=request.title, blocks=stored(request.blocks))
    session.add(board)
    access.note(session, "made a board", f"{board.title} ({board.id})")
    session.flush()
    return board


def board_or_error(session: Session, board_id: str) -> Board:
    """The board, or `NotFound`."""
    return _there(rows.board_by_id(session, board_id), board_id)


def change(session: Session, board: Board, patch: BoardPatch) -> Board:
    """Changes it, if nobody has since the version that the change was made from; else `Conflict`.

    Figures that cannot be read are `Invalid`.
    """
    if patch.blocks is not None:
        check_blocks(patch.blocks)
    board = _there(rows.locked_board(session, board.id), board.id)
    if board.version != patch.version:
        raise Conflict(
            f"Board {board.id} was changed since: it is at version {board.version}, and this was "
            f"made from version {patch.version}. Read it again, and send what you want to change "
            "with its version."
        )
    return _keep(session, board, patch.title, patch.blocks)


def append(session: Session, board: Board, block: Block) -> Board:
    """Puts a block at its end, whatever its version."""
    check_blocks([block])
    board = _there(rows.locked_board(session, board.id), board.id)
    blocks = blocks_of(board)
    if len(blocks) >= MOST_BLOCKS:
        raise Invalid(f"{board.title} is full: a board has at most {MOST_BLOCKS} blocks.")
    return _keep(session, board, None, [*blocks, block])


def delete(session: Session, board: Board) -> None:
    """Forgets a board; what its figures are of stays."""
    require(session, Scope.ADMIN)
    access.note(session, "deleted a board", f"{board.title} ({board.id})")
    session.delete(board)
    session.flush()


def _keep(
    session: Session, board: Board, title: str | None, blocks: Sequence[Block] | None
) -> Board:
    board.title = board.title if title is None else title
    board.blocks = board.blocks if blocks is None else stored(blocks)
    board.version += 1
    board.changed_at = func.clock_timestamp()
    session.flush()
    session.refresh(board)
    return board


def _there(board: Board | None, board_id: str) -> Board:
    if board is None:
        raise NotFound(f"There is no board {board_id!r}.")
    return board
