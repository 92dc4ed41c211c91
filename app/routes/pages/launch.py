"""The form that launches a run, or a fork of one, and its preview."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import SessionDep
from app.routes.texts import typed_fields
from app.schemas.state import Optimiser
from app.services.launch.config_form import ConfigForm, read_form
from app.services.launch.fork_form import checked, fork_form, launch_typed
from app.services.launch.page import initial_form, new_page
from app.services.launch.preset_choice import take
from app.templating import fragment, page

router = APIRouter(default_response_class=HTMLResponse)


async def _typed_form(request: Request) -> ConfigForm:
    """What was typed; of fields that come twice (a box and its absence) the last counts."""
    return read_form(dict(await typed_fields(request)))


FormDep = Annotated[ConfigForm, Depends(_typed_form)]


@router.get("/new")
def shorter() -> Response:
    """What people type who look for the form."""
    return RedirectResponse("/runs/new")


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
        program = initial_form(session, preset, None).program_text if preset else None
        form = fork_form(session, fork, at, optimiser, program)
    else:
        form = initial_form(session, preset, like)
    return page(request, "launch/page.html", new_page(session, form))


@router.post("/runs/new")
def typed(request: Request, session: SessionDep, form: FormDep) -> Response:
    """The whole page for what was typed: the preview without a script, or another preset."""
    form, taken = take(form)
    form = checked(session, form)
    refused = form.config is None and taken is None
    context = new_page(session, form, taken=taken, is_typed=True, refused=refused)
    return page(request, "launch/page.html", context)


@router.post("/runs")
def launch(request: Request, session: SessionDep, form: FormDep) -> Response:
    form = checked(session, form)
    if form.config is None:
        context = new_page(session, form, is_typed=True, refused=True)
        return page(request, "launch/page.html", context, status=422)
    run = launch_typed(session, form)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


@router.post("/runs/preview")
def preview(session: SessionDep, form: FormDep) -> Response:
    """What follows from what the form holds: the model's lights, the circuit, cost and errors."""
    return fragment(
        "launch/page.html", ["preview", "oob"], new_page(session, checked(session, form))
    )
