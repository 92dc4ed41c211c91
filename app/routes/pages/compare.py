"""The page that compares runs."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.db.studies import run_ids_of_study
from app.dependencies import SessionDep
from app.routes.compared import ColumnsQuery, DrawnDep
from app.services.compare.page import USUAL_COLUMNS, compare_page
from app.services.compare.view import CompareView, address_of
from app.services.studies.lifecycle import study_or_error
from app.templating import fragment, page

router = APIRouter(default_response_class=HTMLResponse)

PARTS = ("notices", "legend", "under", "data")  # what changes with the view, but for the chart


def _whole(
    drawn: DrawnDep,
    xlog: bool = False,
    ylog: bool = False,
    hidden: Annotated[list[str], Query()] = [],
) -> CompareView:
    """With what only the page knows: scales, and what is hidden."""
    return replace(drawn, xlog=xlog, ylog=ylog, hidden=tuple(dict.fromkeys(hidden)))


@router.get("/compare")
def compare_runs(
    request: Request,
    session: SessionDep,
    view: Annotated[CompareView, Depends(_whole)],
    study: str | None = None,
    find: str = "",
    columns: ColumnsQuery = USUAL_COLUMNS,
) -> Response:
    if study is not None:
        runs = run_ids_of_study(session, study_or_error(session, study).id)
        return RedirectResponse(address_of(replace(view, runs=tuple(runs))), status_code=303)
    context = compare_page(session, view, words=find, columns=columns)
    if "HX-Request" in request.headers:
        blocks = ["found"] if "find" in request.query_params else PARTS
        return fragment("compare/page.html", blocks, context)
    return page(request, "compare/page.html", context)
