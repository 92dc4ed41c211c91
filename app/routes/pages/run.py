"""Pages and their fragments: thin; what they show is made in `app.services.*_page`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from app.db.models import Run
from app.dependencies import RunDep, SessionDep
from app.routes.pages import runs_list
from app.schemas.state import Optimiser
from app.schemas.view import ChartView
from app.services.help.api_reference import docs_page
from app.services.launch.config_form import ConfigForm, read_form
from app.services.launch.fork_form import checked, fork_form, launch_typed
from app.services.launch.page import new_page, starting_form
from app.services.run_page.page import run_page, status_part
from app.services.runs.lifecycle import request_cancel, request_pause, resume
from app.templating import fragment, page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
router.include_router(runs_list.router)

OPENAPI_URL = "/api/v1/openapi.json"
STATUS_BLOCKS = ("status", "events", "checkpoints")


async def _typed_form(request: Request) -> ConfigForm:
    """What was typed; of fields that come twice (a box and its absence) the last counts."""
    async with request.form() as fields:
        return read_form({name: value for name, value in fields.items() if isinstance(value, str)})


FormDep = Annotated[ConfigForm, Depends(_typed_form)]


@router.get("/")
def home() -> Response:
    return RedirectResponse("/runs")


@router.get("/runs/new")
def new(
    request: Request,
    session: SessionDep,
    preset: str | None = None,
    like: str | None = None,
    fork: str | None = None,
    at: str = "",
    optimiser: str = Optimiser.KEEP,
) -> Response:
    if fork:
        program = starting_form(session, preset, None).program_text if preset else None
        form = fork_form(session, fork, at, optimiser, program)
    else:
        form = starting_form(session, preset, like)
    return page(request, "launch/page.html", new_page(session, form, chosen=preset))


@router.post("/runs/new")
def typed(request: Request, session: SessionDep, form: FormDep) -> Response:
    """The whole page for what was typed: the preview without a script."""
    form = checked(session, form)
    refused = form.config is None
    context = new_page(session, form, chosen=form.typed.get("preset"), refused=refused)
    return page(request, "launch/page.html", context)


@router.post("/runs")
def launch(request: Request, session: SessionDep, form: FormDep) -> Response:
    form = checked(session, form)
    if form.config is None:
        context = new_page(session, form, chosen=form.typed.get("preset"), refused=True)
        return page(request, "launch/page.html", context, status=422)
    run = launch_typed(session, form)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


@router.post("/runs/preview")
def preview(session: SessionDep, form: FormDep) -> Response:
    """What follows from what the form holds: the model's lights, the circuit, cost and errors."""
    return fragment(
        "launch/page.html", ["preview", "oob"], new_page(session, checked(session, form))
    )


@router.get("/runs/{run_id}")
def run(
    request: Request, session: SessionDep, run: RunDep, view: Annotated[ChartView, Query()]
) -> Response:
    return page(request, "run/page.html", run_page(session, run, view))


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


def _changed(request: Request, session: Session, run: Run) -> Response:
    """After a button was pressed: what changed on the page, or the page."""
    if "HX-Request" in request.headers:
        return fragment("run/page.html", STATUS_BLOCKS, status_part(session, run))
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


@router.get("/docs")
def docs(request: Request) -> Response:
    return page(request, "help/api_reference.html", docs_page(request.app.openapi(), OPENAPI_URL))
