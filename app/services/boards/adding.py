"""A figure that is added to a board from the page that shows it."""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db.models import Board
from app.errors import Invalid
from app.schemas.boards import BoardRequest, FigureBlock
from app.services.boards import lifecycle
from app.services.boards.addresses import figure_at
from app.services.boards.board_read import list_boards
from app.services.boards.drawing import board_title
from app.services.boards.page import OFFERED, AddPage, add_page


@dataclass(frozen=True)
class Addition:
    """Which figure, as the address of its page has it, and on which board."""

    address: str
    figure: str
    board: str = ""  # empty: a new one
    title: str = ""  # of the new one
    caption: str = ""

    @property
    def block(self) -> FigureBlock:
        """Raises `Invalid`."""
        return figure_at(self.address, self.figure, self.caption)


def adding_page(session: Session, addition: Addition, fault: str = "") -> AddPage:
    """The page that asks for the board; `Invalid` or `NotFound` if there is no such figure."""
    boards, _ = list_boards(session, limit=OFFERED)
    said = {"fault": fault} if fault else {}
    if addition.board or fault:
        said["chosen"] = addition.board
    return add_page(
        boards,
        shown=board_title(session, figure_at(addition.address, addition.figure)),
        address=addition.address,
        figure=addition.figure,
        title=addition.title,
        caption=addition.caption,
        **said,
    )


def add(session: Session, addition: Addition) -> tuple[Board, str]:
    """The board with the figure at its end, and the figure's block."""
    block = addition.block
    shown = board_title(session, block)
    if addition.board:
        board = lifecycle.board_or_error(session, addition.board)
        return lifecycle.append(session, board, block), block.id
    try:
        title = addition.title.strip() or shown[:200]
        request = BoardRequest(title=title, blocks=[block])
    except ValidationError as error:
        raise Invalid(f"The title: {error.errors()[0]['msg']}.", loc="form/title") from None
    return lifecycle.create(session, request), block.id
