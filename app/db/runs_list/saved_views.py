"""Statements about views of the list that have names."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.models import SavedView


def saved_views(session: Session) -> Sequence[SavedView]:
    """Every view, by name."""
    return session.scalars(select(SavedView).order_by(SavedView.name, SavedView.id)).all()


def saved_view(session: Session, view_id: str) -> SavedView | None:
    """The view of this id, if there is one."""
    return session.get(SavedView, view_id)


def add_saved_view(session: Session, view_id: str, name: str, address: str) -> bool:
    """Whether the id was free, and the view is there now."""
    new = insert(SavedView).values(id=view_id, name=name, address=address)
    added = session.execute(new.on_conflict_do_nothing().returning(SavedView.id))
    return added.scalar_one_or_none() is not None
