"""Pages of the paper's figures."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import SessionDep
from app.schemas.paper.figure import PaperFigure
from app.services.paper.making import make, make_all
from app.services.paper.page import gallery, paper_page, paper_status
from app.services.paper.state import figure_or_error
from app.templating import fragment, page

router = APIRouter(prefix="/paper", include_in_schema=False, default_response_class=HTMLResponse)


def _figure(figure_id: str) -> PaperFigure:
    return figure_or_error(figure_id)


FigureDep = Annotated[PaperFigure, Depends(_figure)]


@router.get("")
def paper_list(request: Request, session: SessionDep) -> Response:
    context = gallery(session)
    if "HX-Request" in request.headers:
        return fragment("paper/list.html", ["cards"], context)
    return page(request, "paper/list.html", context)


@router.post("/make")
def paper_make_all(session: SessionDep) -> Response:
    make_all(session)
    return RedirectResponse("/paper", status_code=303)


@router.get("/{figure_id}")
def paper_one(request: Request, session: SessionDep, figure: FigureDep) -> Response:
    return page(request, "paper/page.html", paper_page(session, figure))


@router.get("/{figure_id}/status")
def paper_progress(session: SessionDep, figure: FigureDep) -> Response:
    """What changes while runs train, apart from the curves."""
    return fragment("paper/page.html", ["status", "findings"], paper_status(session, figure))


@router.post("/{figure_id}/make")
def paper_make(session: SessionDep, figure: FigureDep) -> Response:
    make(session, figure)
    return RedirectResponse(f"/paper/{figure.id}", status_code=303)
