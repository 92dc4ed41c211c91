"""REST: boards: pages of chosen charts with text between."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.dependencies import BoardDep, SessionDep
from app.routes.answers import CONFLICT, Answers
from app.schemas.api.boards import BoardPage, WholeBoardRead
from app.schemas.boards import BoardPatch, BoardRequest
from app.services.boards import lifecycle
from app.services.boards.board_read import list_boards, read_whole_board

router = APIRouter(tags=["boards"])

MOST = 200
MADE: Answers = {201: {"headers": {"Location": {"schema": {"type": "string"}}}}}


@router.get("/boards")
def get_boards(
    session: SessionDep,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> BoardPage:
    """List boards, the last changed first."""
    page, next_cursor = list_boards(session, cursor=cursor, limit=limit)
    return BoardPage(boards=page, next_cursor=next_cursor)


@router.post("/boards", status_code=201, responses=MADE)
def make_board(request: BoardRequest, session: SessionDep, response: Response) -> WholeBoardRead:
    """Make a board: texts and figures in order.

    A figure is named by what it is of and by the query that the address of its page has. What it
    is of may be deleted later: the board then says so in its place.
    """
    board = lifecycle.create(session, request)
    response.headers["Location"] = f"/api/v1/boards/{board.id}"
    return read_whole_board(board)


@router.get("/boards/{board_id}")
def get_board(board: BoardDep) -> WholeBoardRead:
    """One board, with its blocks."""
    return read_whole_board(board)


@router.patch("/boards/{board_id}", responses=CONFLICT)
def patch_board(board: BoardDep, patch: BoardPatch, session: SessionDep) -> WholeBoardRead:
    """Change title or blocks, from the version that was read: if the board was changed since, it
    stays as it is, and the answer is 409.
    """
    return read_whole_board(lifecycle.change(session, board, patch))


@router.delete("/boards/{board_id}", status_code=204)
def delete_board(board: BoardDep, session: SessionDep) -> None:
    """Delete a board. The runs and studies that it shows stay."""
    lifecycle.delete(session, board)
