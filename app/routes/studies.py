"""Pages of studies: thin; what they show is made in `app.services.study_*`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import SessionDep
from app.routes.api_studies import StudyDep
from app.services import studies
from app.services.study_page import View, studies_page, study_page, study_status
from app.templating import fragment, page

router = APIRouter(prefix="/studies", include_in_schema=False, default_response_class=HTMLResponse)

StartQuery = Annotated[int, Query(alias="from", ge=0)]


def _view(metric: str = View.metric, group: str | None = None, view: str = View.view) -> View:
    return View(metric, group, view)


@router.get("")
def list_page(request: Request, session: SessionDep, cursor: str | None = None) -> Response:
    context = studies_page(session, cursor)
    if "HX-Request" in request.headers:
        return fragment("studies.html", ["table"], context)
    return page(request, "studies.html", context)


@router.get("/{study_id}")
def one(
    request: Request,
    session: SessionDep,
    study: StudyDep,
    view: Annotated[View, Depends(_view)],
    start: StartQuery = 0,
) -> Response:
    return page(request, "study.html", study_page(session, study, view, start))


@router.get("/{study_id}/status")
def status(session: SessionDep, study: StudyDep, start: StartQuery = 0) -> Response:
    """What changes on a study's page apart from its curves."""
    return fragment("study.html", ["status", "members"], study_status(session, study, start))


@router.post("/{study_id}/cancel")
def cancel(session: SessionDep, study: StudyDep) -> Response:
    studies.cancel(session, study)
    return _back(study.id)


@router.post("/{study_id}/pause")
def pause(session: SessionDep, study: StudyDep) -> Response:
    studies.pause(session, study)
    return _back(study.id)


@router.post("/{study_id}/resume")
def go_on(session: SessionDep, study: StudyDep) -> Response:
    studies.resume(session, study)
    return _back(study.id)


def _back(study_id: str) -> Response:
    return RedirectResponse(f"/studies/{study_id}", status_code=303)
