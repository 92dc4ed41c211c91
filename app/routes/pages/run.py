"""The page of a run, what changes on it, and its buttons."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from app.db.models import Run
from app.dependencies import RunDep, RunId, ServicesDep, SessionDep
from app.routes.embedding import QUERY, card_of
from app.routes.texts import typed_fields
from app.schemas.api.runs import RunPatch
from app.schemas.retention import Keep
from app.schemas.view import ChartView
from app.services.run_page.about import about_or_error
from app.services.run_page.page import log_part, run_page, status_part, steps_block
from app.services.runs.deletion import or_raise, restore_runs
from app.services.runs.lifecycle import change_run, request_cancel, request_pause, resume
from app.services.runs.log_files import read_log
from app.services.runs.run_read import read_run
from app.services.studies.more_seeds import launch_more_seeds
from app.templating import fragment, page

router = APIRouter(default_response_class=HTMLResponse)

LOG_LINES = 300
STATUS_BLOCKS = ("status", "events", "checkpoints", "analyses", "repeat")


@router.get("/runs/{run_id}")
def run(
    request: Request,
    session: SessionDep,
    run: RunDep,
    made: ServicesDep,
    view: Annotated[ChartView, Query()],
) -> Response:
    log = read_log(made.settings.data_dir, run, LOG_LINES)
    card = card_of(request.query_params.get(QUERY))
    return page(request, "run/page.html", replace(run_page(session, run, log, view), card=card))


@router.get("/runs/{run_id}/log")
def log(run: RunDep, made: ServicesDep) -> Response:
    """The last lines of a run's log, as they are on its page."""
    found = read_log(made.settings.data_dir, run, LOG_LINES)
    return fragment("run/page.html", ("log",), log_part(read_run(run), found))


@router.get("/runs/{run_id}/steps")
def steps(session: SessionDep, run: RunDep) -> Response:
    """What was measured of the steps of the circuit, with what else of the page is of the whole run
    and not of its latest point: the run in words, the time line, and the tour."""
    blocks = ("steps", "story", "timeline", "tour")
    return fragment("run/page.html", blocks, steps_block(session, run))


@router.get("/runs/{run_id}/status")
def status(session: SessionDep, run: RunDep) -> Response:
    """What changes on a run's page apart from its numbers."""
    return fragment("run/page.html", STATUS_BLOCKS, status_part(session, run))


@router.post("/runs/{run_id}/cancel")
def cancel(session: SessionDep, run: RunDep) -> Response:
    request_cancel(session, run)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


@router.post("/runs/{run_id}/pause")
def pause(request: Request, session: SessionDep, run: RunDep) -> Response:
    request_pause(session, run)
    return _changed(request, session, run)


@router.post("/runs/{run_id}/resume")
def go_on(request: Request, session: SessionDep, run: RunDep) -> Response:
    resume(session, run)
    return _changed(request, session, run)


@router.post("/runs/{run_id}/seeds")
def more_seeds(session: SessionDep, run: RunDep) -> Response:
    """The same config with further seeds, in a study with this run."""
    study = launch_more_seeds(session, run)
    return RedirectResponse(f"/studies/{study.id}", status_code=303)


@router.post("/runs/{run_id}/restore")
def restore(session: SessionDep, run_id: RunId) -> Response:
    """Of a deleted run; its page says that it is, and has the button."""
    or_raise(restore_runs(session, [run_id]))
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


async def _about(request: Request) -> RunPatch:
    """What was typed of a run: name, tags, notes."""
    typed = dict(await typed_fields(request))
    tags = [tag.strip() for tag in typed.get("tags", "").split(",") if tag.strip()]
    # Browsers send lines as mail does.
    notes = typed.get("notes", "").replace("\r\n", "\n")
    return about_or_error({"name": typed.get("name", "").strip(), "tags": tags, "notes": notes})


@router.post("/runs/{run_id}/about")
def describe(
    session: SessionDep, run: RunDep, patch: Annotated[RunPatch, Depends(_about)]
) -> Response:
    change_run(session, run, name=patch.name, tags=patch.tags, notes=patch.notes)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


@router.post("/runs/{run_id}/checkpoints")
def keep(
    request: Request, session: SessionDep, run: RunDep, keep: Annotated[Keep, Form()]
) -> Response:
    """Which of its checkpoints stay when it has ended."""
    change_run(session, run, keep_checkpoints=keep)
    return _changed(request, session, run)


def _changed(request: Request, session: Session, run: Run) -> Response:
    """After a button was pressed: what changed on the page, or the page."""
    if "HX-Request" in request.headers:
        return fragment("run/page.html", STATUS_BLOCKS, status_part(session, run))
    return RedirectResponse(f"/runs/{run.id}", status_code=303)
