"""The page that compares runs."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.db.studies import run_ids_of_study
from app.dependencies import SessionDep
from app.routes.compared import ColumnsQuery, WithOutcomesDep
from app.schemas.numbers import LARGEST
from app.services.compare.page import USUAL_COLUMNS, compare_page
from app.services.compare.view import CompareView, address_of
from app.services.outcomes.section import outcomes_section
from app.services.studies.lifecycle import study_or_error
from app.templating import fragment, page

router = APIRouter(default_response_class=HTMLResponse)

OUTCOMES = "compare/outcomes.html"
PARTS = ("notices", "legend", "under", "data")  # what changes with the view, but for the chart


def _whole(
    drawn: WithOutcomesDep,
    xlog: bool = False,
    ylog: bool = False,
    hidden: Annotated[list[str], Query()] = [],
    outcomes: bool = False,
    place: Annotated[int | None, Query(ge=-LARGEST, le=LARGEST)] = None,
) -> CompareView:
    """With what only the page knows: scales, what is hidden, and what is open."""
    hiding = tuple(dict.fromkeys(hidden))
    view = replace(drawn, xlog=xlog, ylog=ylog, hidden=hiding)
    return replace(view, outcomes=outcomes, place=place)


WholeDep = Annotated[CompareView, Depends(_whole)]


@router.get("/compare")
def compare_runs(
    request: Request,
    session: SessionDep,
    view: WholeDep,
    study: str | None = None,
    find: str = "",
    columns: ColumnsQuery = USUAL_COLUMNS,
) -> Response:
    if study is not None:
        runs = run_ids_of_study(session, study_or_error(session, study).id)
        return RedirectResponse(address_of(replace(view, runs=tuple(runs))), status_code=303)
    is_part = "HX-Request" in request.headers
    context = compare_page(session, view, words=find, columns=columns, is_whole=not is_part)
    if is_part:
        blocks = ["found"] if "find" in request.query_params else PARTS
        return fragment("compare/page.html", blocks, context)
    return page(request, "compare/page.html", context)


@router.get("/compare/outcomes")
def compare_outcomes(
    request: Request, session: SessionDep, view: WholeDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> Response:
    """The section of settings and outcomes, fetched when it is opened; by itself it is no page."""
    if "HX-Request" not in request.headers:
        return RedirectResponse(address_of(replace(view, outcomes=True)), status_code=303)
    return fragment(OUTCOMES, ("section",), outcomes_section(session, view, columns))
