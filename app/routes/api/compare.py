"""REST: the figure of a comparison, and its numbers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from app.dependencies import SessionDep
from app.routes.answers import ARROW, PARQUET, TableResponse, table_response, tables
from app.routes.compared import ColumnsQuery, RunsQuery, WithOutcomesDep, check_count
from app.schemas.api.outcomes import OutcomesRead
from app.services.arrow_tables import ArrowForm
from app.services.compare.comparison import choose_all
from app.services.compare.page import USUAL_COLUMNS, read_compare_figure, read_comparison
from app.services.compare.table import comparison_lines, comparison_pieces, csv_name
from app.services.compare.view import CompareView, unique
from app.services.outcomes.drawn import OutcomeFigureName, read_outcome_figure
from app.services.outcomes.outcomes import read_outcomes
from app.services.outcomes.table import outcome_lines, outcomes_read

router = APIRouter(tags=["series"])

CSV = tables("text/csv")


def _known(drawn: WithOutcomesDep) -> CompareView:
    check_count(drawn.runs)
    return drawn


def _named(runs: RunsQuery = []) -> tuple[str, ...]:
    names = unique(runs)
    check_count(names)
    return names


ComparedDep = Annotated[CompareView, Depends(_known)]
NamedDep = Annotated[tuple[str, ...], Depends(_named)]


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


@router.get("/compare/outcomes", summary="Settings and outcomes of several runs")
def get_compare_outcomes(session: SessionDep, runs: NamedDep) -> OutcomesRead:
    """In what the configs of runs differ, and what the runs came to: when their loss dropped, their
    final and least losses, their strongest heads; and Spearman's correlations of these.

    Of a run that still trains the last measurement counts as final. A run without a phase change
    has null for its places, and `missing` says why.
    """
    return outcomes_read(read_outcomes(session, choose_all(session, runs)))


@router.get("/compare/outcomes.csv", responses=CSV, response_class=StreamingResponse)
def get_compare_outcomes_csv(session: SessionDep, runs: NamedDep) -> Response:
    """The same as a table, a line a run, without the correlations; what is missing is empty, and
    the last column says why.
    """
    lines = list(outcome_lines(read_outcomes(session, choose_all(session, runs))))
    return table_response(iter(lines), "text/csv", "outcomes.csv")


@router.get("/compare/outcomes/figures/{name}", summary="A figure of settings and outcomes")
def get_outcome_figure(
    session: SessionDep,
    name: OutcomeFigureName,
    view: ComparedDep,
    columns: ColumnsQuery = USUAL_COLUMNS,
) -> dict[str, Any]:
    """For Plotly, as the page of a comparison draws it: `scatter` (`y` against `x`),
    `correlations`, `parallel` (every run a line through all), `heads` (their strengths at a
    `moment`).

    `meta.title` is its title, `meta.said` what is to be known of it: which runs have no place in
    it, and why.
    """
    return read_outcome_figure(session, view, name, columns)
