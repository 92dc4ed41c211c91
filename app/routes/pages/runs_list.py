"""The page of runs: the list, its parts, and actions on many runs without a script."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from app.dependencies import ServicesDep, SessionDep
from app.errors import Invalid, InvalidQuery
from app.routes.texts import typed_fields
from app.services.runs import bulk
from app.services.runs_list.asked import asked_part
from app.services.runs_list.bulk_page import BulkForm, bulk_page, read_bulk_form
from app.services.runs_list.listing import CursorRange
from app.services.runs_list.page import RunsAnswer, fresh_groups, runs_page, runs_part, runs_table
from app.services.runs_list.saved_views import (
    ViewForm,
    address_of,
    read_view_form,
    view_or_error,
)
from app.services.runs_list.view import COLUMNS_COOKIE, COOKIE_SEPARATOR, ListView, read_view
from app.templating import fragment, page

router = APIRouter(prefix="/runs", include_in_schema=False, default_response_class=HTMLResponse)

A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Asked:
    """A list that is asked for."""

    view: ListView
    says_columns: bool


def _asked(request: Request) -> Asked:
    query = request.query_params.multi_items()
    view = read_view(query, remembered=request.cookies.get(COLUMNS_COOKIE))
    return Asked(view, says_columns="columns" in request.query_params)


def _span(cursor: str = "", until: str = "") -> CursorRange:
    return CursorRange(cursor or None, until or None)


AskedDep = Annotated[Asked, Depends(_asked)]
SpanDep = Annotated[CursorRange, Depends(_span)]


@router.get("")
def runs(
    request: Request, session: SessionDep, made: ServicesDep, asked: AskedDep, span: SpanDep
) -> Response:
    """The page; for htmx the table alone, or a part of its rows. `?view=`: where a view leads."""
    if view_id := request.query_params.get("view"):
        return RedirectResponse(address_of(view_or_error(session, view_id)), status_code=303)
    if "HX-Request" in request.headers:
        answer = _part(request, session, asked.view, span)
    else:
        whole = runs_page(session, asked.view, span, made.disposal.grace)
        status = Invalid.status if whole.wrong else 200
        answer = page(request, "runs/list.html", whole, status=status)
    if asked.says_columns:
        chosen = COOKIE_SEPARATOR.join(asked.view.columns)
        answer.set_cookie(COLUMNS_COOKIE, chosen, max_age=A_YEAR, path="/runs", samesite="lax")
    return answer


def _part(request: Request, session: Session, view: ListView, span: CursorRange) -> HTMLResponse:
    """What htmx asked for; of a query that cannot be read only what is wrong: the list stays."""
    try:
        target = request.headers.get("HX-Target", "")
        if target == "tbody#group-pulse":
            return fragment("runs/list.html", ["heads"], fresh_groups(session, view))
        if target.startswith("tbody"):
            return fragment("runs/list.html", ["part"], runs_part(session, view, span))
        table = runs_table(session, view, span)
    except InvalidQuery as error:
        answer = fragment("runs/list.html", ["asked"], asked_part(view, error))
        answer.headers["HX-Reswap"] = "none"  # but for what says where it belongs
        return answer
    if not request.headers.get("HX-Source", "").startswith("form"):
        return fragment("runs/list.html", ["table"], table)
    answer = fragment(
        "runs/list.html", ["table", "asked"], RunsAnswer(**vars(table), **vars(asked_part(view)))
    )
    answer.headers["HX-Push-Url"] = view.url
    return answer


async def _view_form(request: Request) -> ViewForm:
    return read_view_form(await typed_fields(request))


@router.post("/views")
def keep_view(session: SessionDep, form: Annotated[ViewForm, Depends(_view_form)]) -> Response:
    """Keeps, renames or deletes a view, and goes back to the list."""
    return RedirectResponse(form.done(session), status_code=303)


async def _bulk_form(request: Request) -> BulkForm:
    return read_bulk_form(await typed_fields(request))


@router.post("/bulk")
def act(
    request: Request,
    session: SessionDep,
    made: ServicesDep,
    form: Annotated[BulkForm, Depends(_bulk_form)],
) -> Response:
    """Asks before what loses something, does it, and says what became of every run."""
    if form.elsewhere is not None:
        return RedirectResponse(form.elsewhere, status_code=303)
    if form.is_to_be_confirmed:
        return page(request, "runs/bulk.html", bulk_page(session, form, made.disposal.grace))
    result = bulk.act(session, form.request, made.disposal)
    if not result.refused and not result.deleted:
        return RedirectResponse(form.back, status_code=303)
    done = bulk_page(session, form, made.disposal.grace, result)
    return page(request, "runs/bulk.html", done)
