"""Launching runs from requests: dry runs, and requests that are repeated."""

from sqlalchemy.orm import Session

from app.db import access
from app.db.models import Run
from app.schemas.api.runs import DryRun, LaunchRequest
from app.services.costs.estimates import estimate
from app.services.costs.sizes import check_size
from app.services.naming import default_name
from app.services.runs.creation import create_run
from app.services.runs.data_files import check_data_file
from app.services.runs.grafts import check_grafts, keep_donors
from app.services.runs.idempotency import once
from app.services.runs.lifecycle import run_or_error
from app.services.runs.run_read import describe_config


def dry_run(session: Session, request: LaunchRequest) -> DryRun:
    """What a launch would do."""
    config = request.config
    check_grafts(session, config)
    check_data_file(session, config)
    check_size(session, config)
    return DryRun(
        config=config,
        config_hash=config.config_hash,
        name=request.name or default_name(config),
        description=describe_config(config),
        estimate=estimate(session, config),
    )


def launch(session: Session, request: LaunchRequest, key: str | None = None) -> Run:
    """A new run; with a key that was used before for the same request, the run of that time."""
    return once(
        session,
        key,
        request.model_dump_json(),
        find=lambda answered: run_or_error(session, answered.run_id or ""),
        create=lambda: _create(session, request),
    )


def _create(session: Session, request: LaunchRequest) -> Run:
    keep_donors(session, request.config)
    check_grafts(session, request.config)
    check_data_file(session, request.config)
    check_size(session, request.config)
    run = create_run(
        session,
        request.config,
        name=request.name,
        tags=request.tags,
        notes=request.notes,
        priority=request.priority,
    )
    access.note(session, "launched a run", f"{run.name} ({run.id})")
    return run
