"""Figures of a run: the very ones that its page shows."""

from typing import Any

from fastapi import APIRouter

from app.dependencies import RunDep, SessionDep
from app.routes.spans import SpanDep
from app.services.figures import FigureName
from app.services.run_page import read_figure

router = APIRouter(prefix="/api/v1", tags=["series"])


@router.get("/runs/{run_id}/figures/{name}", summary="A figure of a run, for Plotly")
def figure(session: SessionDep, run: RunDep, name: FigureName, span: SpanDep) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it."""
    return read_figure(session, run, name, span)
