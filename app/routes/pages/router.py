"""All pages: their routes, and the links of the bar at the top of each."""

from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from app.dependencies import SessionDep
from app.routes.pages import (
    access,
    analyses,
    archives,
    boards,
    compare,
    help,
    launch,
    paper,
    run,
    runs_list,
    studies,
    toy,
    workers,
)
from app.services.help.welcome import is_first_visit


class Link(NamedTuple):
    """A link of the bar. A page says by `{% set here = NAME %}` that it belongs to one."""

    keys: str  # pressed one after the other, on any page
    name: str
    url: str
    text: str


NAVIGATION = (
    Link("g r", "runs", "/runs", "Runs"),
    Link("g n", "new", "/runs/new", "New run"),
    Link("g c", "compare", "/compare", "Compare"),
    Link("g s", "studies", "/studies", "Studies"),
    Link("g b", "boards", "/boards", "Boards"),
    Link("g p", "paper", "/paper", "Paper"),
    Link("g t", "toy", "/toy", "Toy model"),
    Link("g w", "workers", "/workers", "Workers"),
    Link("g h", "guide", "/guide", "Guide"),
    Link("g a", "docs", "/docs", "API"),
)

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(session: SessionDep) -> Response:
    return RedirectResponse("/welcome" if is_first_visit(session) else "/runs")


# The list and the form come before the run: `/runs/{run_id}` would take `/runs/new` for an id.
for part in (
    runs_list,
    launch,
    run,
    analyses,
    studies,
    boards,
    archives,
    paper,
    toy,
    workers,
    compare,
    help,
    access,
):
    router.include_router(part.router)
