"""Statements about idempotency keys: what was answered to them."""

from datetime import timedelta

from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from app.db.models import IdempotencyKey, Moment


def answer_to(session: Session, key: str) -> IdempotencyKey | None:
    """What was answered to an idempotency key, if anything."""
    # Asked under the key's lock, in a session that has not seen it: the row as it is committed.
    return session.get(IdempotencyKey, key)


def forget_answers(session: Session, *, older_than: timedelta) -> None:
    """Drops idempotency keys that nobody will repeat."""
    limit = func.clock_timestamp(type_=Moment) - older_than
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < limit))
