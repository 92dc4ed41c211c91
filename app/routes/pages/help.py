"""What explains: the guide, and the reference of the API."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.services.help.api_reference import docs_page
from app.services.help.guide import guide_page
from app.templating import page

router = APIRouter(default_response_class=HTMLResponse)

OPENAPI_URL = "/api/v1/openapi.json"


@router.get("/guide")
def guide(request: Request) -> Response:
    return page(request, "help/guide.html", guide_page())


@router.get("/docs")
def docs(request: Request) -> Response:
    return page(request, "help/api_reference.html", docs_page(request.app.openapi(), OPENAPI_URL))
