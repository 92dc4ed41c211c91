"""REST: many runs at once: the list, the same as a table, and one action on all of some."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from app.dependencies import ServicesDep, SessionDep, TransactionsDep
from app.routes.answers import (
    ARROW,
    CONFLICT,
    PARQUET,
    TableResponse,
    table_response,
    tables,
)
from app.schemas.api.bulk import BulkAct, BulkRequest, BulkResult, RunCount
from app.schemas.api.groups import RunGroups
from app.schemas.api.runs import RunPage
from app.schemas.api.views import (
    QueryFields,
    SavedViewPatch,
    SavedViewRead,
    SavedViewRequest,
    SavedViews,
)
from app.schemas.state import RunState
from app.services.arrow_tables import ArrowForm
from app.services.csv_text import begun
from app.services.runs import bulk
from app.services.runs.run_read import read_run
from app.services.runs_list.bulk_matching import act_on_matching
from app.services.runs_list.columns import USUAL, Column, chosen_columns, column_or_error
from app.services.runs_list.groups import read_groups
from app.services.runs_list.listing import MOST, NEWEST, Filter, count_runs, list_runs
from app.services.runs_list.query_reads import query_fields
from app.services.runs_list.saved_views import (
    change_view,
    delete_view,
    list_shown,
    list_views,
    narrowed,
    read_saved,
    save_view,
    view_called,
    view_or_error,
)
from app.services.runs_list.table import arrow_of_runs, csv_of_runs
from app.services.runs_list.view import ListView
from app.services.studies.lifecycle import study_or_error

router = APIRouter()

CSV = tables("text/csv")


def _saved(
    session: SessionDep,
    view: Annotated[
        str | None,
        Query(
            description="The id or the name of a view that was kept (`/views`): its runs, order and"
            " columns. `q` narrows it; anything else that is given stands in the place of its own."
        ),
    ] = None,
) -> ListView | None:
    return None if view is None else list_shown(view_called(session, view))


SavedDep = Annotated[ListView | None, Depends(_saved, scope="function")]
GroupQuery = Annotated[
    str,
    Query(
        description="What the runs are put into groups by: `study`, `tag`, `created` (a day), "
        "`state`, `name`, `clamps`, `device`, `worker`, or an option of configs",
        examples=["state", "training.learning_rate"],
    ),
]


def _filter(
    session: SessionDep,
    saved: SavedDep,
    # The lists below are never shared: fastapi copies defaults.
    state: Annotated[list[RunState], Query(description="Any of these states")] = [],
    tag: Annotated[list[str], Query(description="All of these tags")] = [],
    dataset: Annotated[list[str], Query(description="Any of these datasets")] = [],
    clamp: Annotated[
        list[str],
        Query(
            description="Any of these lights (`driven`, `silenced`, `preserved`) or kinds of clamps"
            " (as in `/clamps`) is in its program; `none`: no clamp is"
        ),
    ] = [],
    study: Annotated[str | None, Query(description="The id of the study that they are in")] = None,
    q: Annotated[
        str,
        Query(
            description="A query: words in name, notes or tags, or the beginning of an id, and"
            " conditions, `state:finished learning_rate < 1e-4 min(loss.new_classes) < .1`."
            " An error says which characters are wrong (`errors[].offset`, `length`).",
            examples=["state:finished learning_rate < 1e-4 and min(loss.new_classes) < .1"],
        ),
    ] = "",
    run: Annotated[list[str], Query(description="Only these ids")] = [],
    deleted: Annotated[
        bool, Query(description="Instead: deleted ones that can still be restored")
    ] = False,
    sort: Annotated[
        str | None,
        Query(
            description="`-` for descending; what a run's row holds (`created`, `name`, `state`,"
            " `progress`, `train_loss`, `midpoint` ...), an option of its config"
            " (`training.learning_rate`) or its latest measure (`loss.new_classes`). Runs without"
            " the number come last. Unless it is given, as the view says, or `-created`.",
            examples=["-created", "loss.new_classes"],
        ),
    ] = None,
    shelved: Annotated[
        bool | None, Query(description="Only those that are shelved; `false`: that are not")
    ] = None,
    pinned_first: Annotated[
        bool, Query(description="Those that are pinned first, as on the page; then the others")
    ] = False,
    group: GroupQuery = "",
    within: Annotated[
        str | None, Query(description="Only those of this group, as `/runs/groups` calls it")
    ] = None,
) -> Filter:
    if study is not None:
        study_or_error(session, study)
    order = sort or (saved.wanted.sort if saved else NEWEST)
    column_or_error(order.removeprefix("-"), "query/sort")
    wanted = Filter(
        states=state,
        tags=tag,
        words=q,
        study=study,
        datasets=dataset,
        clamps=clamp,
        run_ids=run,
        sort=order,
        deleted=deleted,
        shelved=shelved,
        pinned_first=pinned_first,
        group=group,
        within=within,
    )
    return narrowed(saved, wanted) if saved else wanted


FilterDep = Annotated[Filter, Depends(_filter, scope="function")]


@router.get("/runs")
def get_runs(
    session: SessionDep,
    wanted: FilterDep,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> RunPage:
    """List runs."""
    page, next_cursor = list_runs(session, wanted, cursor=cursor, limit=limit)
    return RunPage(runs=[read_run(run) for run in page], next_cursor=next_cursor)


def _columns(
    saved: SavedDep,
    columns: Annotated[
        list[str],
        Query(description="Of which columns, by the names to sort by; several with commas"),
    ] = [],
) -> list[Column]:
    names = [name.strip() for part in columns for name in part.split(",") if name.strip()]
    return chosen_columns(names or (saved.columns if saved else USUAL), "query/columns")


ColumnsDep = Annotated[list[Column], Depends(_columns, scope="function")]


@router.get("/runs.csv", responses=CSV, response_class=StreamingResponse)
def get_runs_csv(made: ServicesDep, wanted: FilterDep, columns: ColumnsDep) -> StreamingResponse:
    """Every run that matches as a table, a line each; `id` and `name` come first.

    Moments are RFC 3339, lists are joined by `; `, what a run lacks is empty. Text that a
    spreadsheet would take for a formula (`=`, `+`, `-`, `@` in front) has a `'` before it.
    """
    pieces = begun(csv_of_runs(made.engine, wanted, columns))
    return table_response(pieces, "text/csv", "runs.csv")


@router.get("/runs.parquet", responses=tables(PARQUET), response_class=TableResponse)
def get_runs_parquet(
    made: ServicesDep, wanted: FilterDep, columns: ColumnsDep
) -> StreamingResponse:
    """The same as Parquet: whole numbers, numbers, texts and moments as such, null for what a run
    lacks; lists are joined by `; `.
    """
    pieces = arrow_of_runs(made.engine, ArrowForm.PARQUET, wanted, columns)
    return table_response(pieces, PARQUET, "runs.parquet")


@router.get("/runs.arrow", responses=tables(ARROW), response_class=TableResponse)
def get_runs_arrow(made: ServicesDep, wanted: FilterDep, columns: ColumnsDep) -> StreamingResponse:
    """As Parquet, but as a stream of Arrow (IPC)."""
    pieces = arrow_of_runs(made.engine, ArrowForm.ARROW, wanted, columns)
    return table_response(pieces, ARROW, "runs.arrow")


@router.get("/runs/count")
def get_count(session: SessionDep, wanted: FilterDep) -> RunCount:
    """How many runs match, and how many of these have ended."""
    return count_runs(session, wanted)


@router.get("/runs/groups")
def get_groups(session: SessionDep, wanted: FilterDep, columns: ColumnsDep) -> RunGroups:
    """The runs in groups, by `group`: how many each has, and the numbers of these columns together.

    A run with several tags, or in several studies, is in as many groups. `/runs` with the same
    `group`, and `within` of a group, lists its runs.
    """
    return read_groups(session, wanted, columns)


@router.get("/runs/fields")
def get_fields(session: SessionDep) -> QueryFields:
    """Everything that a query (`q`) can ask about, with values that there are."""
    return QueryFields(fields=query_fields(session))


@router.get("/views")
def get_views(session: SessionDep) -> SavedViews:
    """List the views of the list that have names: `/runs?view=ID` shows one."""
    return list_views(session)


@router.post("/views", status_code=201, responses=CONFLICT)
def post_view(request: SavedViewRequest, session: SessionDep) -> SavedViewRead:
    """Keep a view of the list under a name that no other has."""
    return read_saved(save_view(session, request))


@router.get("/views/{view_id}")
def get_view(view_id: str, session: SessionDep) -> SavedViewRead:
    """One view."""
    return read_saved(view_or_error(session, view_id))


@router.patch("/views/{view_id}", responses=CONFLICT)
def patch_view(view_id: str, patch: SavedViewPatch, session: SessionDep) -> SavedViewRead:
    """Give a view another name, or show another list under it. Its link stays."""
    view = view_or_error(session, view_id)
    change_view(session, view, patch)
    return read_saved(view)


@router.delete("/views/{view_id}", status_code=204)
def remove_view(view_id: str, session: SessionDep) -> None:
    """Delete a view; the runs that it shows stay."""
    delete_view(session, view_or_error(session, view_id))


@router.post("/runs/bulk/matching", responses=CONFLICT)
def change_matching_runs(
    act: BulkAct,
    wanted: FilterDep,
    begin: TransactionsDep,
    made: ServicesDep,
    at_most: Annotated[
        int | None, Query(ge=0, description="With more runs than this nothing is done: 409")
    ] = None,
) -> BulkResult:
    """Do something to every run that `GET /runs` lists for the same query.

    To restore deleted ones, ask with `deleted=true`. `results` has those that were refused, 500 at
    most. Runs are changed a hundred at a time: what was done stays if the server ends meanwhile,
    and asking again goes on there.
    """
    return act_on_matching(begin, wanted, act, made.disposal, at_most=at_most)


@router.post("/runs/bulk")
def change_runs(request: BulkRequest, session: SessionDep, made: ServicesDep) -> BulkResult:
    """Tag, colour, pin, shelve, cancel, delete or restore many runs.

    What became of each is in the answer.

    Of runs that cannot be changed the others are changed nevertheless. Asking again is safe:
    what is done already is `unchanged`.
    """
    return bulk.act(session, request, made.disposal)
