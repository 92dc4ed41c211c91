"""Launching runs from requests: dry runs, and requests that are repeated."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.db.models import Run
from app.schemas.api.runs import DryRun, LaunchRequest
from app.services.runs.creation import create_run, default_name
from app.services.runs.estimates import estimate
from app.services.runs.grafts import check_grafts
from app.services.runs.idempotency import answer_to, remember
from app.services.runs.lifecycle import run_or_error
from app.services.runs.run_read import describe_config


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
    # Takes the key's lock, which covers both the look and the row that `remember` adds: two equal
    # requests at once would else both find nothing, and launch twice.
    answered = answer_to(session, key, request)
    if answered is not None:
        # Relies on the key's row going with its run: after a deletion nothing is answered, and the
        # same request launches anew.
        return run_or_error(session, answered.run_id or "")
    # An error in here rolls the key back with the run, so that the request can be repeated.
    run = create()
    remember(session, key, request, run_id=run.id)
    return run


def _create(session: Session, request: LaunchRequest) -> Run:
    check_grafts(session, request.config)
    return create_run(
        session,
        request.config,
        name=request.name,
        tags=request.tags,
        notes=request.notes,
        priority=request.priority,
    )
