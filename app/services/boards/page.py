"""The pages of boards: all of them, one to read and to edit, and where to add a figure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db.models import Board
from app.errors import AppError
from app.schemas.api.boards import BoardRead
from app.schemas.boards import (
    LEAST_HEIGHT,
    LONGEST_TEXT,
    MOST_HEIGHT,
    Block,
    FigureBlock,
    TextBlock,
)
from app.schemas.series import MEASURES
from app.services.boards.board_read import BLOCK, list_boards
from app.services.boards.drawing import board_title
from app.services.boards.form import BoardForm, Edited, form_of
from app.services.boards.views import page_address
from app.services.charts.run_figures import FigureName
from app.services.notes import notes_html

PAGE, OFFERED = 30, 100


@dataclass(frozen=True)
class BoardsPage:
    """Context of `boards/list.html`."""

    boards: Sequence[BoardRead]
    next_url: str | None
    is_later_page: bool


@dataclass(frozen=True)
class BlockShown:
    """A block on the page."""

    id: str
    number: int  # from 1
    is_text: bool
    html: Markup  # of a text
    title: str  # of a figure
    url: str
    missing: str  # why there is nothing to see
    typed: Mapping[str, Any]  # the block as JSON has it
    written: str  # the same, for the form to send back


@dataclass(frozen=True)
class BoardPageContext:
    """Context of `boards/page.html`."""

    board_id: str
    title: str
    made_from: str  # the version that was read
    is_edited: bool
    blocks: Sequence[BlockShown]
    faults: Mapping[str, str]
    latest: str  # the version that somebody else has kept meanwhile
    focus: str
    address: str
    figure: str
    figures: Mapping[str, str]
    removed: str
    removed_at: str
    limits: Mapping[str, int] = field(
        default_factory=lambda: {
            "markdown": LONGEST_TEXT,
            "least": LEAST_HEIGHT,
            "most": MOST_HEIGHT,
        }
    )


@dataclass(frozen=True)
class AddPage:
    """Context of `boards/add.html`."""

    boards: Sequence[BoardRead]
    shown: str  # the title of the figure
    address: str
    figure: str
    chosen: str  # the id of a board; empty: a new one
    title: str  # of the new one
    caption: str
    fault: str


def boards_page(session: Session, cursor: str | None) -> BoardsPage:
    """A page of boards, the last changed first."""
    found, next_cursor = list_boards(session, cursor=cursor, limit=PAGE)
    next_url = f"/boards?{urlencode({'cursor': next_cursor})}" if next_cursor else None
    return BoardsPage(found, next_url, is_later_page=cursor is not None)


def board_page(session: Session, board: Board, *, is_edited: bool) -> BoardPageContext:
    """A board as it is."""
    return edited_page(session, board, Edited(form_of(board)), is_edited=is_edited)


def edited_page(
    session: Session, board: Board, edited: Edited, *, is_edited: bool = True
) -> BoardPageContext:
    """A board after a form was sent: what was typed stays."""
    form = edited.form
    return BoardPageContext(
        board_id=board.id,
        title=form.title,
        made_from=form.version if not edited.is_late else str(board.version),
        is_edited=is_edited,
        blocks=_blocks_shown(session, form),
        faults=edited.faults,
        latest=str(board.version) if edited.is_late else "",
        focus=edited.focus,
        address="" if edited.is_kept else form.address,
        figure=form.figure,
        figures={name: MEASURES_BY_FIGURE[name] for name in FigureName},
        removed=form.removed,
        removed_at=form.removed_at,
    )


MEASURES_BY_FIGURE = {one.figure: one.title for one in MEASURES.values()}


def add_page(boards: Sequence[BoardRead], **said: str) -> AddPage:
    """Where a figure can be put; the board that was changed last is chosen."""
    usual = {"chosen": boards[0].id if boards else "", "title": "", "caption": "", "fault": ""}
    return AddPage(boards=boards, **{**usual, **said})


def _blocks_shown(session: Session, form: BoardForm) -> list[BlockShown]:
    return [_shown(session, number, one) for number, one in enumerate(form.blocks, 1)]


def _shown(session: Session, number: int, raw: Mapping[str, Any]) -> BlockShown:
    title, url, missing, html = "", "", "", Markup()
    try:
        block: Block | None = BLOCK.validate_python(raw)
    except ValidationError:  # as it was typed; what is wrong is said beside it
        block = None
    if isinstance(block, TextBlock):
        html = notes_html(block.markdown, down=1)
    elif block is not None:
        url = page_address(block)
        title, missing = _title_or_why_not(session, block)
    return BlockShown(
        id=str(raw.get("id", "")),
        number=number,
        is_text=raw.get("kind") == "text",
        html=html,
        title=title or "Figure",
        url=url,
        missing=missing,
        typed=raw,
        written=json.dumps(raw),
    )


def _title_or_why_not(session: Session, block: FigureBlock) -> tuple[str, str]:
    try:
        return board_title(session, block), ""
    except AppError as error:
        return "", error.detail
