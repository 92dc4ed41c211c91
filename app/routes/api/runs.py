"""REST: runs themselves."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy.orm import Session

from app.db import runs
from app.db.models import Run
from app.dependencies import RunDep, RunId, ServicesDep, SessionDep
from app.routes.answers import CONFLICT, Answers
from app.routes.api import runs_list
from app.schemas.api.logs import LogRead
from app.schemas.api.runs import (
    DryRun,
    EventRead,
    ForkRequest,
    LaunchRequest,
    RunPatch,
    RunRead,
    Timeline,
)
from app.schemas.config import RunConfig
from app.services.runs import deletion, forks, launching, lifecycle
from app.services.runs.log_files import read_log
from app.services.runs.run_read import read_whole_run

router = APIRouter(tags=["runs"])
router.include_router(runs_list.router)

LAUNCHED: Answers = {
    **CONFLICT,
    200: {"model": DryRun, "description": "`dry_run`: nothing was launched"},
    202: {
        "model": RunRead,
        "description": "The run is queued",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}
DryRunQuery = Annotated[bool, Query(description="Only validate, describe and estimate")]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, description="The same key and body again: the same run, no second one"),
]


# The models of the answers are said in `LAUNCHED`, by status.
@router.post("/runs", status_code=202, response_model=None, responses=LAUNCHED)
def launch_run(
    request: LaunchRequest,
    session: SessionDep,
    response: Response,
    dry_run: DryRunQuery = False,
    idempotency_key: IdempotencyKey = None,
) -> RunRead | DryRun:
    """Launch a run."""
    if dry_run:
        response.status_code = 200
        return launching.dry_run(session, request)
    return _launched(session, launching.launch(session, request, idempotency_key), response)


@router.post("/runs/{run_id}/fork", status_code=202, response_model=None, responses=LAUNCHED)
def fork_run(
    run: RunDep,
    request: ForkRequest,
    session: SessionDep,
    response: Response,
    dry_run: DryRunQuery = False,
    idempotency_key: IdempotencyKey = None,
) -> RunRead | DryRun:
    """Launch a run from a checkpoint of this one.

    It shares this run's history below the fork, and its config but for what the request changes.
    Its first measurement, at the fork, is by its own program. This run may be in any state.
    """
    if dry_run:
        response.status_code = 200
        return forks.dry_run(session, run, request)
    return _launched(session, forks.fork(session, run, request, idempotency_key), response)


def _launched(session: Session, run: Run, response: Response) -> RunRead:
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    # Read before the commit and sent after it: what the answer says is in the database by then.
    return read_whole_run(session, run)


@router.get("/runs/{run_id}")
def get_run(run: RunDep, session: SessionDep) -> RunRead:
    """One run, with its lineage."""
    return read_whole_run(session, run)


@router.patch("/runs/{run_id}", responses=CONFLICT)
def patch_run(run: RunDep, patch: RunPatch, session: SessionDep) -> RunRead:
    """Change name, tags, notes, colour or priority; pin or shelve it."""
    if patch.was is not None:
        lifecycle.refuse_unless_said(session, run, patch.was)
    lifecycle.change_run(session, run, **patch.model_dump(exclude={"was"}))
    return read_whole_run(session, run)


@router.delete("/runs/{run_id}", status_code=204, responses=CONFLICT)
def delete_run(
    run_id: RunId,
    session: SessionDep,
    made: ServicesDep,
    now: Annotated[
        bool, Query(description="For good, also if it is deleted: nothing can be restored")
    ] = False,
) -> None:
    """Delete a run that has ended, with everything that it reported and saved.

    It can be restored for `OPTOSCOPE_DELETED_DAYS`, a week as a rule, and answers 410 meanwhile.
    Then its measurements and files go, but for checkpoints that its forks share.
    """
    if now:
        deletion.or_raise(deletion.purge_runs(session, [run_id], made.disposal.store_url))
        return
    lifecycle.run_or_error(session, run_id)
    # It was read without a lock, and may be gone when the lock is had.
    deletion.or_raise(deletion.delete_runs(session, [run_id], made.disposal))


@router.post("/runs/{run_id}/restore", responses=CONFLICT)
def restore_run(run_id: RunId, session: SessionDep) -> RunRead:
    """Take the deletion of a run back: it is there again, as it was."""
    deletion.or_raise(deletion.restore_runs(session, [run_id]))
    return read_whole_run(session, lifecycle.run_or_error(session, run_id))


@router.post("/runs/{run_id}/cancel", status_code=202, responses=CONFLICT)
def cancel_run(run: RunDep, session: SessionDep) -> RunRead:
    """Ask for a run to stop. Asking again changes nothing; what was reported stays."""
    lifecycle.request_cancel(session, run)
    return read_whole_run(session, run)


@router.post("/runs/{run_id}/pause", status_code=202, responses=CONFLICT)
def pause_run(run: RunDep, session: SessionDep) -> RunRead:
    """Set a run aside: it saves where it is and leaves its worker to others. Again: no change."""
    lifecycle.request_pause(session, run)
    return read_whole_run(session, run)


@router.post("/runs/{run_id}/resume", status_code=202, responses=CONFLICT)
def resume_run(run: RunDep, session: SessionDep) -> RunRead:
    """Have a paused run go on, exactly as if it had never paused. Again: no change."""
    lifecycle.resume(session, run)
    return read_whole_run(session, run)


@router.get("/runs/{run_id}/config")
def get_config(run: RunDep) -> RunConfig:
    """The whole config: launch it again to get the same numbers.

    Of a fork it says what was trained from the fork on; what came before is its lineage.
    """
    return RunConfig.model_validate(run.config)


@router.get("/runs/{run_id}/timeline")
def get_timeline(run: RunDep, session: SessionDep) -> Timeline:
    """What happened to the run."""
    events = [
        EventRead.model_validate(event, from_attributes=True)
        for event in runs.events_of(session, run.id)
    ]
    return Timeline(run_id=run.id, events=events)


@router.get("/runs/{run_id}/log")
def get_log(
    run: RunDep,
    made: ServicesDep,
    tail: Annotated[int, Query(ge=1, le=2000, description="How many lines, from the end")] = 200,
) -> LogRead:
    """The last lines of a run's log; of one that was trained with others, the trainer's.

    Logs stay on the machine that trained; a server that does not see its data directory says so.
    """
    found = read_log(made.settings.data_dir, run, tail)
    return LogRead(run_id=run.id, lines=list(found.lines), note=found.note)
