"""The page of the toy model."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.services.toy.page import toy_page
from app.templating import page
from app.toy.settings import ToyQuery

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/toy")
def toy(request: Request, asked: Annotated[ToyQuery, Query()]) -> Response:
    return page(request, "toy/page.html", toy_page(asked))
