"""Pages of studies: thin; what they show is made in `app.services.studies`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import SessionDep, StudyDep
from app.routes.texts import typed_fields
from app.schemas.numbers import LARGEST
from app.services.launch.config_form import ConfigForm
from app.services.launch.preset_choice import take
from app.services.studies import lifecycle
from app.services.studies.figure import StudyView
from app.services.studies.form import read_study_form
from app.services.studies.new_page import initial_study, study_new_page, with_seeds
from app.services.studies.page import studies_page, study_page, study_status
from app.templating import fragment, page

router = APIRouter(prefix="/studies", include_in_schema=False, default_response_class=HTMLResponse)


async def _typed(request: Request) -> dict[str, str]:
    """What was typed. Ticks of one name are joined; of a box and its absence the last counts."""
    typed: dict[str, str] = {}
    for name, value in await typed_fields(request):
        is_ticks = name.endswith("-presets") and name in typed
        typed[name] = f"{typed[name]},{value}" if is_ticks else value
    return typed


TypedDep = Annotated[dict[str, str], Depends(_typed)]
StartQuery = Annotated[int, Query(alias="from", ge=0, le=LARGEST)]


def _view(
    metric: str = StudyView.metric, group: str | None = None, view: str = StudyView.view
) -> StudyView:
    return StudyView(metric, group, view)


@router.get("")
def list_page(request: Request, session: SessionDep, cursor: str | None = None) -> Response:
    context = studies_page(session, cursor)
    if "HX-Request" in request.headers:
        return fragment("studies/list.html", ["table"], context)
    return page(request, "studies/list.html", context)


@router.get("/new")
def new(
    request: Request,
    session: SessionDep,
    preset: str | None = None,
    like: str | None = None,
    base: str | None = None,
    run: str | None = None,
) -> Response:
    typed = initial_study(session, preset=preset, like=like, base=base, run=run)
    return page(request, "studies/new.html", study_new_page(session, typed, chosen=preset))


@router.post("/new")
def typed_again(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """The whole page for what was typed here, or in the launch form of one run; with another base,
    if one is asked for."""
    typed = dict(take(ConfigForm(typed))[0].typed)
    context = study_new_page(session, with_seeds(typed), chosen=typed.get("preset"))
    return page(request, "studies/new.html", context)


@router.post("/preview")
def preview(session: SessionDep, typed: TypedDep) -> Response:
    """The runs that follow from what the form holds, their cost, and errors."""
    return fragment("studies/new.html", ["preview", "oob"], study_new_page(session, typed))


@router.post("")
def launch(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    form = read_study_form(session, typed)
    if form.request is None:
        context = study_new_page(session, typed, chosen=typed.get("preset"), refused=True)
        return page(request, "studies/new.html", context, status=422)
    return _back(lifecycle.launch(session, form.request).id)


@router.get("/{study_id}")
def one(
    request: Request,
    session: SessionDep,
    study: StudyDep,
    view: Annotated[StudyView, Depends(_view)],
    start: StartQuery = 0,
) -> Response:
    return page(request, "studies/page.html", study_page(session, study, view, start))


@router.get("/{study_id}/status")
def status(session: SessionDep, study: StudyDep, start: StartQuery = 0) -> Response:
    """What changes on a study's page apart from its curves."""
    return fragment("studies/page.html", ["status", "members"], study_status(session, study, start))


@router.post("/{study_id}/cancel")
def cancel(session: SessionDep, study: StudyDep) -> Response:
    lifecycle.cancel(session, study)
    return _back(study.id)


@router.post("/{study_id}/pause")
def pause(session: SessionDep, study: StudyDep) -> Response:
    lifecycle.pause(session, study)
    return _back(study.id)


@router.post("/{study_id}/resume")
def go_on(session: SessionDep, study: StudyDep) -> Response:
    lifecycle.resume(session, study)
    return _back(study.id)


def _back(study_id: str) -> Response:
    return RedirectResponse(f"/studies/{study_id}", status_code=303)
