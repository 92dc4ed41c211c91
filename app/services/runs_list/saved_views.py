"""Views of the list that have names: a query, filters, an order and columns, shared by link."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db.models import SavedView
from app.db.runs_list import saved_views as rows
from app.errors import Conflict, Invalid, NotFound
from app.schemas.api.views import (
    LONGEST_ADDRESS,
    LONGEST_NAME,
    SavedViewPatch,
    SavedViewRead,
    SavedViewRequest,
    SavedViews,
)
from app.schemas.query.errors import nearest
from app.schemas.query.tree import both
from app.services.runs_list.listing import Filter, check_filter
from app.services.runs_list.view import ListView, read_view

MOST = 200  # of all


def list_views(session: Session) -> SavedViews:
    """All of them, by name."""
    return SavedViews(views=[read_saved(one) for one in rows.saved_views(session)])


def view_or_error(session: Session, view_id: str) -> SavedView:
    """The view, or `NotFound`."""
    found = rows.saved_view(session, view_id)
    if found is None:
        raise _unknown(view_id, [one.id for one in rows.saved_views(session)])
    return found


def view_called(session: Session, name: str) -> SavedView:
    """The view with this id, else of this name, or `NotFound`."""
    every = rows.saved_views(session)
    known = {one.name: one for one in every} | {one.id: one for one in every}
    if name not in known:
        raise _unknown(name, known)
    return known[name]


def _unknown(name: str, known: Iterable[str]) -> NotFound:
    near = nearest(name, known)
    meant = f"did you mean {near!r}?" if near else "it may be deleted."
    return NotFound(f"There is no view {name!r} of the list of runs; {meant}")


def list_shown(view: SavedView) -> ListView:
    """What a view shows."""
    return read_view(parse_qsl(view.address))


def narrowed(view: ListView, by: Filter) -> Filter:
    """The runs of a view that match the query of `by`, too; anything else that `by` says, its
    order always, stands in the place of what the view says. `InvalidQuery` is about that query."""
    check_filter(by)  # by itself: the places of what is wrong are those of its own query
    unsaid = vars(Filter())
    # `False` says something where `None` says nothing.
    said: dict[str, Any] = {
        name: of for name, of in vars(by).items() if of or (of is False and unsaid[name] is None)
    }
    # Of what is deleted it does not matter whether it was shelved.
    wanted = replace(view.wanted, shelved=None) if by.deleted else view.wanted
    return replace(wanted, **{**said, "words": both(wanted.words, by.words)})


def save_view(session: Session, request: SavedViewRequest) -> SavedView:
    """Keeps a view. Raises `Conflict` if there is one of this name, `Invalid` if it shows none."""
    address = _checked(request.address)
    every = rows.saved_views(session)
    if len(every) >= MOST:
        raise Conflict(f"There are {MOST} views; delete one first.")
    _refuse_name(session, request.name)
    view_id = _free(request.name, {one.id for one in every})
    if not rows.add_saved_view(session, view_id, request.name, address):
        raise Conflict("Somebody saved a view of this name at this moment; look again.")
    return view_or_error(session, view_id)


def change_view(session: Session, view: SavedView, patch: SavedViewPatch) -> None:
    """Another name, or another list under it; its link stays. Raises as `save_view`."""
    if patch.name is not None and patch.name != view.name:
        _refuse_name(session, patch.name)
        view.name = patch.name
    if patch.address is not None:
        view.address = _checked(patch.address)
    session.flush()


def delete_view(session: Session, view: SavedView) -> None:
    """The list that it shows stays as it is."""
    session.delete(view)


def read_saved(view: SavedView) -> SavedViewRead:
    """A view as the API says it."""
    return SavedViewRead.model_validate(view, from_attributes=True)


def address_of(view: SavedView) -> str:
    """Where the list is that it shows."""
    return f"/runs?{view.address}" if view.address else "/runs"


def _checked(address: str) -> str:
    """The same without what is as usual; `Invalid` if there is no such list."""
    try:
        said = parse_qsl(address.removeprefix("/runs").removeprefix("?"), max_num_fields=200)
        view = read_view(said)
        check_filter(view.wanted)
    except (Invalid, ValueError) as error:
        detail = error.detail if isinstance(error, Invalid) else str(error)
        raise Invalid(f"The list has no such address. {detail}", loc="/address") from None
    return view.url.partition("?")[2]


def _refuse_name(session: Session, name: str) -> None:
    if any(one.name == name for one in rows.saved_views(session)):
        raise Conflict(f"There is a view {name!r} already; choose another name, or delete it.")


def _free(name: str, taken: set[str]) -> str:
    """`Seeds of fig. 5` -> `seeds-of-fig-5`; with a number if that is taken."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "view"
    numbered = (f"{slug}-{number}" for number in range(2, MOST + 2))
    return next(one for one in (slug, *numbered) if one not in taken)


@dataclass(frozen=True)
class ViewForm:
    """What was pressed in the list of views."""

    act: str  # save, rename, delete
    view: str  # the id of the one to rename or delete
    name: str
    address: str  # of the list that it was pressed on

    def done(self, session: Session) -> str:
        """Does it; where to go on from."""
        if self.act == "save":
            return f"/runs?view={save_view(session, self._request()).id}"
        view = view_or_error(session, self.view)
        if self.act == "delete":
            delete_view(session, view)
        else:
            change_view(session, view, SavedViewPatch(name=self._request().name))
        return self.address if self.address.startswith("/runs") else "/runs"

    def _request(self) -> SavedViewRequest:
        try:
            return SavedViewRequest(name=self.name, address=self.address)
        except ValidationError:
            raise Invalid(
                f"A view needs a name of 1 to {LONGEST_NAME} characters, and a list of no more "
                f"than {LONGEST_ADDRESS:,} in its address."
            ) from None


def read_view_form(fields: Sequence[tuple[str, str]]) -> ViewForm:
    """The form; `Invalid` if nothing is to be done."""
    last = dict(fields)
    act = last.get("act", "")
    if act not in ("save", "rename", "delete"):
        raise Invalid("Press save, rename or delete.")
    return ViewForm(act, last.get("view", ""), last.get("name", ""), last.get("address", ""))
