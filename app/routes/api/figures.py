"""Figures of a run: the very ones that its page shows."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from app.dependencies import RunDep, SessionDep
from app.routes.api.spans import SpanDep
from app.schemas.view import Drawing, XAxis, YAxis
from app.services.charts.axes import Look
from app.services.charts.run_figures import FigureName
from app.services.run_page.charts import read_figure

router = APIRouter(tags=["series"])


def _look(
    span: SpanDep,
    x: Annotated[XAxis, Query(description="What the x axis counts")] = XAxis.SEQUENCES,
    y: Annotated[YAxis, Query(description="Of the evaluators' figures")] = YAxis.LINEAR,
    drawing: Annotated[Drawing, Query(description="Of the strengths of heads")] = Drawing.LINES,
) -> Look:
    start = None if span.after < 0 else span.after + 1
    return Look(x, y, drawing, start, span.until)


LookDep = Annotated[Look, Depends(_look)]


@router.get("/runs/{run_id}/figures/{name}", summary="A figure of a run, for Plotly")
def figure(
    session: SessionDep, run: RunDep, name: FigureName, span: SpanDep, look: LookDep
) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it.

    A part of the run, with `from` and `to`, is thinned by itself, so that it has finer buckets;
    the layout's `meta.thinning` says which.
    """
    return read_figure(session, run, name, span, look)
