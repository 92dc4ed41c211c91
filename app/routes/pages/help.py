"""What explains: the welcome, the guide, and the reference of the API."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.dependencies import ServicesDep, SessionDep, TransactionsDep
from app.services.help.api_reference import docs_page
from app.services.help.guide import guide_page
from app.services.help.welcome import bring_example, welcome_page
from app.templating import page

router = APIRouter(default_response_class=HTMLResponse)

OPENAPI_URL = "/api/v1/openapi.json"


@router.get("/guide")
def guide(request: Request) -> Response:
    return page(request, "help/guide.html", guide_page())


@router.get("/docs")
def docs(request: Request) -> Response:
    return page(request, "help/api_reference.html", docs_page(request.app.openapi(), OPENAPI_URL))


@router.get("/welcome")
def welcome(request: Request, session: SessionDep) -> Response:
    return page(request, "help/welcome.html", welcome_page(session))


@router.post("/welcome/example")
def watch_example(
    made: ServicesDep, begin: TransactionsDep, tour: Annotated[str, Form()] = ""
) -> Response:
    """The example run, which is imported first where it is not there; `tour`: with its tour."""
    run_id = bring_example(made.importer(begin))
    return RedirectResponse(f"/runs/{run_id}{'#tour' if tour else ''}", status_code=303)
