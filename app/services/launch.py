"""Launching runs from requests: dry runs, and requests that are repeated."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from app.db import queries
from app.db.models import IdempotencyKey, Run
from app.errors import Invalid
from app.schemas.api import DryRun, LaunchRequest
from app.services.estimate import estimate
from app.services.grafts import check_grafts
from app.services.reading import describe_config
from app.services.runs import create_run, default_name, run_or_error

KEPT = timedelta(days=1)  # how long a key's answer is remembered
LONGEST_KEY = 200


def dry_run(session: Session, request: LaunchRequest) -> DryRun:
    """What a launch would do."""
    config = request.config
    check_grafts(session, config)
    return DryRun(
        config=config,
        config_hash=config.config_hash,
        name=request.name or default_name(config),
        description=describe_config(config),
        estimate=estimate(session, config),
    )


def launch(session: Session, request: LaunchRequest, key: str | None = None) -> Run:
    """A new run; with a key that was used before for the same request, the run of that time."""
    return once(session, key, request.model_dump_json(), lambda: _create(session, request))


def once(session: Session, key: str | None, request: str, create: Callable[[], Run]) -> Run:
    """The run that `create` makes, unless one was made for this key and request before."""
    if key is None:
        return create()
    _check_key(key)
    queries.lock(session, f"idempotency {key}")  # of two equal requests at once the second waits
    queries.forget_answers(session, older_than=KEPT)
    fingerprint = hashlib.sha256(request.encode()).hexdigest()
    answered = queries.answer_to(session, key)
    if answered is None:
        run = create()
        session.add(IdempotencyKey(key=key, fingerprint=fingerprint, run_id=run.id))
        return run
    if answered.fingerprint != fingerprint:
        raise Invalid(
            f"The key {key!r} was used for another request; take a new one.",
            loc="header/Idempotency-Key",
        )
    return run_or_error(session, answered.run_id)


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(
            f"An idempotency key has 1 to {LONGEST_KEY} characters, not {len(key)}.",
            loc="header/Idempotency-Key",
        )


def _create(session: Session, request: LaunchRequest) -> Run:
    check_grafts(session, request.config)
    return create_run(
        session, request.config, name=request.name, tags=request.tags, notes=request.notes
    )
