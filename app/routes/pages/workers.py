"""The page of workers."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.dependencies import SessionDep
from app.services.workers import workers_page
from app.templating import fragment, page

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/workers")
def workers(request: Request, session: SessionDep) -> Response:
    context = workers_page(session)
    if "HX-Request" in request.headers:
        return fragment("workers/page.html", ["table"], context)
    return page(request, "workers/page.html", context)
