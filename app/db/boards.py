"""Statements about boards."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.db.models import Board


def board_by_id(session: Session, board_id: str) -> Board | None:
    """The board, if there is one."""
    return session.get(Board, board_id)


def locked_board(session: Session, board_id: str) -> Board | None:
    """The same, as it is now, locked until the transaction ends."""
    statement = (
        select(Board)
        .where(Board.id == board_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).one_or_none()


def boards_page(
    session: Session, *, limit: int, past: tuple[datetime, str] | None = None
) -> Sequence[Board]:
    """Boards, the last changed first, from those past the given moment and id on."""
    statement = select(Board).order_by(Board.changed_at.desc(), Board.id.desc()).limit(limit)
    if past is not None:
        statement = statement.where(tuple_(Board.changed_at, Board.id) < past)
    return session.scalars(statement).all()
