"""Requests that are repeated with the same key: what they started is remembered for a day."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from app.db import idempotency, locks
from app.db.models import IdempotencyKey, Run, Study
from app.errors import Conflict, Gone, Invalid, NotFound

KEPT = timedelta(days=1)  # how long a key's answer is remembered
LONGEST_KEY = 200
_HEADER = "header/Idempotency-Key"

Made = TypeVar("Made", Run, Study)


def once(
    session: Session,
    key: str | None,
    request: str,
    *,
    find: Callable[[IdempotencyKey], Made],
    create: Callable[[], Made],
) -> Made:
    """What `create` makes; if the key and request came before, what it made then, by `find`."""
    if key is None:
        return create()
    # Takes the key's lock, which covers both the look and the row that is added below: two equal
    # requests at once would else both find nothing, and launch twice.
    answered = _answer_to(session, key, request)
    if answered is not None:
        return _find(find, answered)
    # An error in here rolls the key back with what was made, so that the request can be repeated.
    made = create()
    _remember(session, key, request, made)
    return made


def _find(find: Callable[[IdempotencyKey], Made], answered: IdempotencyKey) -> Made:
    try:
        return find(answered)
    except NotFound as gone:
        # Not made again: whoever repeats a request, perhaps by itself after a lost answer, does not
        # know that what it made was deleted meanwhile.
        way_back = "restore it, or " if isinstance(gone, Gone) else ""
        raise Conflict(
            f"What the key {answered.key!r} started, {answered.run_id or answered.study_id}, was "
            f"deleted since; {way_back}take a new key to start it again."
        ) from None


def _answer_to(session: Session, key: str, request: str) -> IdempotencyKey | None:
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


def _remember(session: Session, key: str, request: str, made: Run | Study) -> None:
    """Notes what the key has started."""
    is_run = isinstance(made, Run)
    session.add(
        IdempotencyKey(
            key=key,
            fingerprint=_fingerprint(request),
            run_id=made.id if is_run else None,
            study_id=None if is_run else made.id,
        )
    )


def _fingerprint(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()
