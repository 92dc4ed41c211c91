"""Comparisons: the page, and over the API its figure and its numbers."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from app.db.compare import runs_of_study
from app.dependencies import SessionDep
from app.errors import Invalid
from app.services.compare.page import (
    USUAL_COLUMNS,
    compare_page,
    read_compare_figure,
    read_comparison,
)
from app.services.compare.table import csv_name, csv_text
from app.services.compare.view import MOST_RUNS, MOST_SMOOTHING, CompareView, address_of, unique
from app.services.studies.lifecycle import study_or_error
from app.services.studies.page import MOST_COLUMNS
from app.templating import fragment, page

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(tags=["series"])

PARTS = ("notices", "legend", "under", "data")  # what changes with the view, but for the chart
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}
RunsQuery = Annotated[
    list[str], Query(description="Ids of runs; several separated by commas", examples=[["a,b"]])
]
ColumnsQuery = Annotated[int, Query(ge=1, le=MOST_COLUMNS, description="Of small charts")]


def _drawn(
    runs: RunsQuery = [],
    series: Annotated[
        str,
        Query(
            description="`METRIC.EVALUATOR`, `strongest_induction` (`.L1`: of a layer), "
            "`induction_strength.L1H3` (a head), `induction_strength.L1R2` (the second strongest "
            "of layer 1 at the end of each run); `previous_token` likewise"
        ),
    ] = CompareView.series,
    group: Annotated[
        str, Query(description="`each`, `all`, a field in which configs differ, or `but_seeds`")
    ] = CompareView.group,
    view: Annotated[
        str, Query(description="`overlay`, or `panels`: a chart a group")
    ] = CompareView.view,
    align: Annotated[
        str, Query(description="`sequences`, or `midpoint`: count from where the loss drops")
    ] = CompareView.align,
    baseline: Annotated[str, Query(description="The run to subtract from the others")] = "",
    smoothing: Annotated[
        float, Query(ge=0, le=MOST_SMOOTHING, description="Weight of the moving mean")
    ] = CompareView.smoothing,
    start: Annotated[int | None, Query(alias="from", description="Start of the x axis")] = None,
    end: Annotated[int | None, Query(alias="to", description="End of the x axis")] = None,
) -> CompareView:
    if start is not None and end is not None and start >= end:
        raise Invalid("`from` must be below `to`.", loc="query/from")
    return CompareView(
        unique(runs), series, group, view, align, baseline, smoothing, start=start, end=end
    )


DrawnDep = Annotated[CompareView, Depends(_drawn)]


def _whole(
    drawn: DrawnDep,
    xlog: bool = False,
    ylog: bool = False,
    hidden: Annotated[list[str], Query()] = [],
) -> CompareView:
    """With what only the page knows: scales, and what is hidden."""
    return replace(drawn, xlog=xlog, ylog=ylog, hidden=tuple(dict.fromkeys(hidden)))


@pages.get("/compare")
def compare_runs(
    request: Request,
    session: SessionDep,
    view: Annotated[CompareView, Depends(_whole)],
    study: str | None = None,
    find: str = "",
    columns: ColumnsQuery = USUAL_COLUMNS,
) -> Response:
    if study is not None:
        runs = runs_of_study(session, study_or_error(session, study).id)
        return RedirectResponse(address_of(replace(view, runs=tuple(runs))), status_code=303)
    context = compare_page(session, view, words=find, columns=columns)
    if "HX-Request" in request.headers:
        blocks = ["found"] if "find" in request.query_params else PARTS
        return fragment("compare/page.html", blocks, context)
    return page(request, "compare/page.html", context)


def _known(drawn: DrawnDep) -> CompareView:
    if not drawn.runs:
        raise Invalid("Say which runs to compare: ?runs=ID,ID.", loc="query/runs")
    if len(drawn.runs) > MOST_RUNS:
        raise Invalid(f"At most {MOST_RUNS} runs, not {len(drawn.runs)}.", loc="query/runs")
    return drawn


ComparedDep = Annotated[CompareView, Depends(_known)]


@api.get("/compare/figure", summary="The curves of several runs, for Plotly")
def get_compare_figure(
    session: SessionDep, view: ComparedDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it.

    A difference is taken where the baseline was measured, or between two such places on the
    straight line, never beyond. Runs whose loss did not drop have no midpoint and are left out
    when curves are aligned by it.
    """
    return read_compare_figure(session, view, columns)


@api.get("/compare.csv", responses=CSV, response_class=StreamingResponse)
def get_compare_csv(session: SessionDep, view: ComparedDep) -> Response:
    """The numbers of a comparison as a table, nothing thinned."""
    lines = list(csv_text(read_comparison(session, view)))
    named = f'attachment; filename="{csv_name(view)}.csv"'
    return StreamingResponse(
        iter(lines), media_type="text/csv", headers={"Content-Disposition": named}
    )
