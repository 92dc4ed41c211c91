"""REST: the paper's figures, ours beside the published numbers."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response, StreamingResponse

from app.dependencies import SessionDep
from app.routes.answers import CONFLICT, Answers
from app.routes.api.runs import DryRunQuery
from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.read import PaperFigureRead, PaperList, PaperMade
from app.services.paper import making
from app.services.paper.analysed import compared_tables, figure_drawing, findings_of
from app.services.paper.drawing import paper_drawing
from app.services.paper.findings import measured, read_figure
from app.services.paper.state import figure_or_error, list_figures, runs_of
from app.services.paper.table import figure_lines

router = APIRouter(prefix="/figures/paper", tags=["paper"])

MOST_COLUMNS = 4
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}
MADE: Answers = {**CONFLICT, 202: {"model": PaperMade, "description": "What was launched"}}
FigureId = Annotated[str, Path(description="Such as fig-5b, table-1", examples=["fig-5b"])]


def _figure(figure_id: FigureId) -> PaperFigure:
    return figure_or_error(figure_id)


PaperFigureDep = Annotated[PaperFigure, Depends(_figure)]


@router.get("")
def get_paper_figures(session: SessionDep) -> PaperList:
    """List the figures and tables of the paper, and how far each is here."""
    return list_figures(session)


@router.get("/{figure_id}")
def get_paper_figure(session: SessionDep, figure: PaperFigureDep) -> PaperFigureRead:
    """One figure: its runs, the published numbers, ours beside them, and whether claims hold."""
    [runs] = runs_of(session, [figure])
    return read_figure(session, runs)


@router.get("/{figure_id}/figure", summary="A figure of the paper, for Plotly")
def get_paper_drawing(
    session: SessionDep,
    figure: PaperFigureDep,
    columns: Annotated[int, Query(ge=1, le=MOST_COLUMNS, description="Of panels, at most")] = 2,
    part: Annotated[
        Literal["training", "analysis"],
        Query(description="Of a figure that has both; of others it is what there is"),
    ] = "training",
) -> dict[str, Any]:
    """Our curves, and the published points as open circles.

    Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it.
    """
    [runs] = runs_of(session, [figure])
    if part == "training" and figure.panels:
        return paper_drawing(figure, measured(session, runs), columns)
    if not figure.analyses:
        return paper_drawing(figure, {}, columns)
    return figure_drawing(runs, findings_of(session, runs), measured(session, runs), columns)


@router.get("/{figure_id}/table.csv", responses=CSV, response_class=StreamingResponse)
def get_paper_csv(session: SessionDep, figure: PaperFigureDep) -> Response:
    """Its numbers, nothing thinned: ours, and the published ones; losses in nats."""
    [runs] = runs_of(session, [figure])
    curves = measured(session, runs)
    tables = (*compared_tables(runs, findings_of(session, runs), curves), *figure.tables)
    lines = list(figure_lines(figure, curves, tables))
    named = f'attachment; filename="paper-{figure.id}.csv"'
    return StreamingResponse(
        iter(lines), media_type="text/csv", headers={"Content-Disposition": named}
    )


@router.post("/make", status_code=202)
def make_paper_figures(session: SessionDep) -> list[PaperMade]:
    """Make every figure and table but those that need many seeds: one after the other, as each
    would be made alone."""
    return making.make_all(session)


@router.post("/{figure_id}/make", status_code=202, responses=MADE)
def make_paper_figure(
    session: SessionDep, figure: PaperFigureDep, dry_run: DryRunQuery = False
) -> PaperMade:
    """Train what it lacks, as a study: runs that are finished or under way are not trained again.
    Analyses that it shows are asked of its runs at once, and wait for them.

    With `dry_run` nothing is launched: what it would cost.
    """
    return making.cost(session, figure) if dry_run else making.make(session, figure)
