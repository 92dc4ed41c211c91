"""Pages of analyses."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import AnalysisDep, SessionDep
from app.schemas.text import Text
from app.services.analyses import lifecycle
from app.services.analyses.page import analysis_page, analysis_status, preset_request
from app.services.runs.lifecycle import run_or_error
from app.templating import fragment, page

router = APIRouter(prefix="/analyses", default_response_class=HTMLResponse)


@router.post("")
def launch(
    session: SessionDep, run: Annotated[Text, Form()], preset: Annotated[Text, Form()]
) -> Response:
    """A question of those that a run's page offers; the page of its answer."""
    request = preset_request(preset, run)
    analysis, _ = lifecycle.launch(session, run_or_error(session, run), request)
    return RedirectResponse(f"/analyses/{analysis.id}", status_code=303)


@router.get("/{analysis_id}")
def analysis(request: Request, session: SessionDep, analysis: AnalysisDep) -> Response:
    return page(request, "analyses/page.html", analysis_page(session, analysis))


@router.get("/{analysis_id}/status")
def status(session: SessionDep, analysis: AnalysisDep) -> Response:
    """What changes while it goes on."""
    blocks = ("status", "table")
    return fragment("analyses/page.html", blocks, analysis_status(session, analysis))


@router.post("/{analysis_id}/cancel")
def cancel(session: SessionDep, analysis: AnalysisDep) -> Response:
    lifecycle.request_cancel(session, analysis)
    return RedirectResponse(f"/analyses/{analysis.id}", status_code=303)
