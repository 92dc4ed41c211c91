"""REST: the figure of a comparison, and its numbers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from app.dependencies import SessionDep
from app.errors import Invalid
from app.routes.answers import ARROW, PARQUET, TableResponse, table_response, tables
from app.routes.compared import ColumnsQuery, DrawnDep
from app.schemas.api.limits import MOST_RUNS
from app.services.arrow_tables import ArrowForm
from app.services.compare.page import USUAL_COLUMNS, read_compare_figure, read_comparison
from app.services.compare.table import comparison_lines, comparison_pieces, csv_name
from app.services.compare.view import CompareView

router = APIRouter(tags=["series"])

CSV = tables("text/csv")


def _known(drawn: DrawnDep) -> CompareView:
    if not drawn.runs:
        raise Invalid("Say which runs to compare: ?runs=ID,ID.", loc="query/runs")
    if len(drawn.runs) > MOST_RUNS:
        raise Invalid(f"At most {MOST_RUNS} runs, not {len(drawn.runs)}.", loc="query/runs")
    return drawn


ComparedDep = Annotated[CompareView, Depends(_known)]


@router.get("/compare/figure", summary="The curves of several runs, for Plotly")
def get_compare_figure(
    session: SessionDep, view: ComparedDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it.

    A difference is taken where the baseline was measured, or between two such places on the
    straight line, never beyond. Runs whose loss did not drop have no midpoint and are left out
    when curves are aligned by it.

    A group of several runs has its mean and range at the same places of all of them, on the
    straight line where one was not measured; `customdata` says of how many runs a mean is, and
    where that changes there is a gap.
    """
    return read_compare_figure(session, view, columns)


@router.get("/compare.csv", responses=CSV, response_class=StreamingResponse)
def get_compare_csv(session: SessionDep, view: ComparedDep) -> Response:
    """The numbers of a comparison as a table: of runs all that were measured, of groups mean, least
    and most at the places of the figure. `runs`: of how many runs a number is. Where a run's loss
    drops is a place without a number, `midpoint`, with the measurements on both sides of it.
    """
    lines = list(comparison_lines(read_comparison(session, view)))
    return table_response(iter(lines), "text/csv", f"{csv_name(view)}.csv")


@router.get("/compare.parquet", responses=tables(PARQUET), response_class=TableResponse)
def get_compare_parquet(session: SessionDep, view: ComparedDep) -> Response:
    """The same as Parquet; places are floating numbers, since a midpoint lies between two whole
    ones.
    """
    pieces = comparison_pieces(read_comparison(session, view), ArrowForm.PARQUET)
    return table_response(pieces, PARQUET, f"{csv_name(view)}.parquet")


@router.get("/compare.arrow", responses=tables(ARROW), response_class=TableResponse)
def get_compare_arrow(session: SessionDep, view: ComparedDep) -> Response:
    """As Parquet, but as a stream of Arrow (IPC)."""
    pieces = comparison_pieces(read_comparison(session, view), ArrowForm.ARROW)
    return table_response(pieces, ARROW, f"{csv_name(view)}.arrow")
