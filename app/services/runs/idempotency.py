"""Requests that are repeated with the same key: what they started is remembered for a day."""

import hashlib
from datetime import timedelta

from sqlalchemy.orm import Session

from app.db import idempotency, locks
from app.db.models import IdempotencyKey
from app.errors import Invalid

KEPT = timedelta(days=1)  # how long a key's answer is remembered
LONGEST_KEY = 200
_HEADER = "header/Idempotency-Key"


def answer_to(session: Session, key: str, request: str) -> IdempotencyKey | None:
    """What the key started, if it was used before, for the same request.

    Holds the key until the transaction ends: of two equal requests at once the second waits.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(
            f"An idempotency key has 1 to {LONGEST_KEY} characters, not {len(key)}.", loc=_HEADER
        )
    # Held until the commit, in which the answer becomes visible: let go earlier, the second of two
    # requests would look before there is an answer, and start another run.
    locks.lock(session, f"idempotency {key}")
    # Of all keys, in no order: two requests may delete the same rows, the second then waits for
    # the first's commit and finds them gone.
    idempotency.forget_answers(session, older_than=KEPT)
    answered = idempotency.answer_to(session, key)
    if answered is not None and answered.fingerprint != _fingerprint(request):
        raise Invalid(f"The key {key!r} was used for another request; take a new one.", loc=_HEADER)
    return answered


def remember(
    session: Session,
    key: str,
    request: str,
    *,
    run_id: str | None = None,
    study_id: str | None = None,
) -> None:
    """Notes what the key has started."""
    fingerprint = _fingerprint(request)
    session.add(IdempotencyKey(key=key, fingerprint=fingerprint, run_id=run_id, study_id=study_id))


def _fingerprint(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()
