"""Pages of boards: thin; what they show is made in `app.services.boards`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.db.models import Board
from app.dependencies import BoardDep, SessionDep
from app.errors import Invalid
from app.routes.texts import typed_fields
from app.schemas.boards import BoardRequest
from app.services.boards import lifecycle
from app.services.boards.adding import Addition, add, adding_page
from app.services.boards.form import Fields, read_board_form, submit
from app.services.boards.page import board_page, boards_page, edited_page
from app.templating import fragment, page

router = APIRouter(prefix="/boards", default_response_class=HTMLResponse)

TEMPLATE, ADD = "boards/page.html", "boards/add.html"
FieldsDep = Annotated[Fields, Depends(typed_fields)]


@router.get("")
def list_page(request: Request, session: SessionDep, cursor: str | None = None) -> Response:
    return page(request, "boards/list.html", boards_page(session, cursor))


@router.post("")
def make(session: SessionDep) -> Response:
    """An empty board, open to be written on."""
    board = lifecycle.create(session, BoardRequest(title="Untitled board"))
    return _to(board, "?edit=1")


@router.get("/add")
def add_form(
    request: Request, session: SessionDep, address: str = "", figure: str = ""
) -> Response:
    addition = Addition(address=address, figure=figure)
    return page(request, ADD, adding_page(session, addition))


@router.post("/add")
def add_figure(request: Request, session: SessionDep, typed: FieldsDep) -> Response:
    said = dict(typed)
    addition = Addition(
        **{name: said.get(name, "") for name in ("address", "figure", "board", "title", "caption")}
    )
    try:
        board, block_id = add(session, addition)
    except Invalid as error:
        context = adding_page(session, addition, fault=error.detail)
        return page(request, ADD, context, status=422)
    return _to(board, f"#block-{block_id}")


@router.get("/{board_id}")
def one(request: Request, session: SessionDep, board: BoardDep, edit: bool = False) -> Response:
    return page(request, TEMPLATE, board_page(session, board, is_edited=edit))


@router.post("/{board_id}")
def change(request: Request, session: SessionDep, board: BoardDep, typed: FieldsDep) -> Response:
    """One button of the form was pressed; all that was typed is kept with it."""
    form = read_board_form(typed)
    edited = submit(session, board, form)
    is_done = edited.is_kept and form.act == "done"
    if "HX-Request" in request.headers:
        context = edited_page(session, board, edited, is_edited=not is_done)
        answer = fragment(TEMPLATE, ["board"], context)
        if is_done:
            answer.headers["HX-Replace-Url"] = f"/boards/{board.id}"
        return answer
    if edited.is_kept:
        return _to(board, "" if is_done else f"?edit=1#{edited.focus}".rstrip("#"))
    status = 409 if edited.is_late else 422
    return page(request, TEMPLATE, edited_page(session, board, edited), status=status)


@router.post("/{board_id}/delete")
def delete(session: SessionDep, board: BoardDep) -> Response:
    lifecycle.delete(session, board)
    return RedirectResponse("/boards", status_code=303)


def _to(board: Board, rest: str = "") -> Response:
    return RedirectResponse(f"/boards/{board.id}{rest}", status_code=303)
