"""Statements about deliveries: noted once for every event and address, kept until they arrive."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.models import Moment, WebhookCursor, WebhookDelivery


def forget_others(session: Session, urls: Collection[str]) -> None:
    """Forgets addresses that are told no more, with what was still to be told to them."""
    session.execute(delete(WebhookCursor).where(WebhookCursor.url.not_in(urls)))


def cursors(session: Session) -> dict[str, int]:
    """Up to which event each address has deliveries."""
    found = session.execute(select(WebhookCursor.url, WebhookCursor.event_id))
    return {row.url: row.event_id for row in found}


def set_cursor(session: Session, url: str, event_id: int) -> None:
    """Says up to which event an address has deliveries."""
    statement = insert(WebhookCursor).values(url=url, event_id=event_id)
    session.execute(
        statement.on_conflict_do_update(index_elements=["url"], set_={"event_id": event_id})
    )


def add(session: Session, url: str, event_id: int, body: str) -> None:
    """Notes a delivery, due at once; once, however often it is noted."""
    statement = insert(WebhookDelivery).values(url=url, event_id=event_id, body=body)
    session.execute(statement.on_conflict_do_nothing(index_elements=["url", "event_id"]))


def take_due(session: Session, *, limit: int, lease: timedelta) -> Sequence[WebhookDelivery]:
    """Deliveries that are due, for whoever asks: nobody else gets them before the lease is over."""
    now = func.clock_timestamp(type_=Moment)
    due = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.due_at <= now)
        .order_by(WebhookDelivery.due_at, WebhookDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(due))
        .values(attempts=WebhookDelivery.attempts + 1, due_at=now + lease)
        .returning(WebhookDelivery)
    )
    return sorted(session.scalars(taken).all(), key=lambda one: one.id)


def arrived(session: Session, delivery_id: int) -> None:
    """Forgets a delivery that has arrived, or that is given up."""
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.id == delivery_id))


def put_off(session: Session, delivery_id: int, wait: timedelta, error: str) -> None:
    """Says when a delivery is tried again, and why it did not arrive."""
    due = func.clock_timestamp(type_=Moment) + wait
    statement = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    session.execute(statement.values(due_at=due, error=error))
