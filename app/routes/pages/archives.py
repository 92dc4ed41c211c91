"""The page that imports archives."""

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from app.dependencies import ServicesDep, TransactionsDep
from app.errors import AppError
from app.services.archives.page import import_page
from app.templating import page

router = APIRouter(default_response_class=HTMLResponse)
TEMPLATE = "archives/page.html"


@router.get("/import")
def show(request: Request) -> Response:
    return page(request, TEMPLATE, import_page())


@router.post("/import")
def bring(
    request: Request,
    made: ServicesDep,
    begin: TransactionsDep,
    archive: Annotated[UploadFile, File()],
) -> Response:
    try:
        imported = made.importer(begin).run(archive.file)
    except AppError as error:
        return page(request, TEMPLATE, import_page(refused=error.detail), status=error.status)
    return page(request, TEMPLATE, import_page(imported))
