"""An analysis' life: launch, move, cancel, delete. Its states and moves are those of runs."""

import logging

from sqlalchemy.orm import Session

from app.db import access, analyses, lineage, runs
from app.db.models import Analysis, Run
from app.errors import Conflict, Invalid, NotFound
from app.schemas.analyses.kinds import REQUEST, AnalysisRequest
from app.schemas.config import RunConfig
from app.schemas.state import ACTIVE, CLAIMABLE, TERMINAL, ErrorKind, RunState, may_move
from app.services.analyses.plan import (
    AnalysisPlan,
    cache_key,
    check_before_training,
    make_plan,
    parts_of,
)
from app.services.runs.creation import new_id
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import send_train

log = logging.getLogger(__name__)

AWAITED = 0  # parts of an analysis whose run is still awaited: its plan is made after the training


def launch(session: Session, run: Run, request: AnalysisRequest) -> tuple[Analysis, bool]:
    """A queued analysis, or the one there is that answers the same, and whether it is new."""
    # Until it is there to be seen, no checkpoint of its plan goes.
    lineage.keep_from_deletion(session, [run.id])
    plan = _plan(session, run, request)
    key = cache_key(run, request, plan)
    # Two equal requests at once make two: wasteful, and no harm.
    if existing := analyses.with_key(session, key):
        return existing, False
    config = RunConfig.model_validate(run.config)
    made = Analysis(
        id=new_id(),
        run_id=run.id,
        kind=request.kind,
        request=request.model_dump(mode="json"),
        plan=plan.model_dump(mode="json"),
        cache_key=key,
        total=len(parts_of(request, plan, config)) if plan.checkpoints else AWAITED,
    )
    session.add(made)
    session.flush()
    access.note(session, "launched an analysis", f"{request.kind} of {run.name} ({made.id})")
    send_train(session, made.id)
    return made, True


def _plan(session: Session, run: Run, request: AnalysisRequest) -> AnalysisPlan:
    """None of its checkpoints are known while the training is awaited."""
    if not request.after_training or RunState(run.state) in TERMINAL:
        return make_plan(session, run, request)
    check_before_training(run, request)
    return AnalysisPlan()


def analysis_or_error(session: Session, analysis_id: str) -> Analysis:
    """The analysis, or `NotFound`."""
    found = analyses.analysis_by_id(session, analysis_id)
    if found is None:
        raise NotFound(f"There is no analysis {analysis_id!r}.")
    return found


def settle_plan(session: Session, analysis: Analysis) -> None:
    """Plans an analysis whose run was awaited and has ended. Raises `Invalid`, also where the run
    was not trained to its end: half a training would answer another question."""
    if analysis.total != AWAITED:
        return
    run = run_or_error(session, analysis.run_id)
    if run.state != RunState.FINISHED:
        raise Invalid(f"run {run.id} is {run.state}. Ask again for what it has.")
    request = REQUEST.validate_python(analysis.request)
    plan = make_plan(session, run, request)
    analysis.plan, analysis.cache_key = (
        plan.model_dump(mode="json"),
        cache_key(run, request, plan),
    )
    analysis.total = len(parts_of(request, plan, RunConfig.model_validate(run.config)))


def move(
    session: Session,
    analysis: Analysis,
    target: RunState,
    *,
    error_kind: ErrorKind | None = None,
    error_message: str | None = None,
) -> None:
    """Moves an analysis, or raises `Conflict`. The caller holds its row."""
    current = RunState(analysis.state)
    if not may_move(current, target):
        raise Conflict(f"Analysis {analysis.id} is {current} and cannot become {target}.")
    now = runs.now(session)
    analysis.state, analysis.moved_at = target.value, now
    if target is RunState.STARTING and analysis.started_at is None:
        analysis.started_at = now
    if target in TERMINAL:
        analysis.finished_at = now
    if target not in ACTIVE:
        analysis.lease_until = None
    if error_kind is not None or error_message is not None:
        analysis.error_kind, analysis.error_message = error_kind, error_message
    log.info("analysis %s: %s -> %s", analysis.id, current, target)


def request_cancel(session: Session, analysis: Analysis) -> None:
    """Asks for it to stop. Asking twice is no error; one that waits is cancelled at once."""
    if analyses.locked(session, analysis.id) is None:
        raise NotFound(f"There is no analysis {analysis.id!r} any more.")
    state = RunState(analysis.state)
    if state in (RunState.STOPPING, RunState.CANCELLED):
        return
    if state in TERMINAL:
        raise Conflict(f"Analysis {analysis.id} is already {state}; there is nothing to cancel.")
    move(session, analysis, RunState.CANCELLED if state in CLAIMABLE else RunState.STOPPING)


def delete(session: Session, analysis: Analysis) -> None:
    """Removes an analysis that has ended, and what it found."""
    if analyses.locked(session, analysis.id) is None:
        raise NotFound(f"There is no analysis {analysis.id!r} any more.")
    if RunState(analysis.state) not in TERMINAL:
        raise Conflict(f"Analysis {analysis.id} is {analysis.state}; cancel it first.")
    access.note(session, "deleted an analysis", f"{analysis.kind} ({analysis.id})")
    session.delete(analysis)
