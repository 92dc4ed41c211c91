"""REST: figures of boards as they are now."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.dependencies import BoardDep, SessionDep
from app.routes.compared import ColumnsQuery
from app.schemas.api.boards import BoardFigureRead
from app.services.boards.board_read import figure_block
from app.services.boards.drawing import board_figure
from app.services.studies.figure import USUAL_COLUMNS

router = APIRouter(tags=["boards"])

BlockId = Annotated[str, Path(description="The id of a block", examples=["x2m4k8q7"])]


@router.get("/boards/{board_id}/figures/{block_id}", summary="A figure of a board, for Plotly")
def get_board_figure(
    board: BoardDep, block_id: BlockId, session: SessionDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> BoardFigureRead:
    """Traces and layout as plain JSON, as they are now; 404 or 410 if what it is of was deleted."""
    drawn = board_figure(session, figure_block(board, block_id), columns)
    return BoardFigureRead.model_validate(vars(drawn))
