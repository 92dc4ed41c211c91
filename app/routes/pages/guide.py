"""The guide: what every measure is, and the words."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.services.help.guide import guide_page
from app.templating import page

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/guide")
def guide(request: Request) -> Response:
    return page(request, "help/guide.html", guide_page())
