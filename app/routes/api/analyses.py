"""REST: analyses of runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from app.dependencies import AnalysisDep, SessionDep
from app.routes.answers import CONFLICT, Answers
from app.routes.api.runs import DryRunQuery
from app.schemas.analyses.kinds import AnalysisRequest, catalogue
from app.schemas.analyses.read import AnalysisDryRun, AnalysisPage, AnalysisRead, AnalysisResult
from app.services.analyses import lifecycle
from app.services.analyses.analysis_read import (
    dry_run as plan_only,
)
from app.services.analyses.analysis_read import (
    list_analyses,
    read_analysis,
    read_result,
    result_lines,
)
from app.services.analyses.drawing.figure import analysis_figure
from app.services.csv_text import csv_text
from app.services.runs.lifecycle import run_or_error

router = APIRouter(tags=["analyses"])

MOST = 200
LAUNCHED: Answers = {
    200: {
        "model": AnalysisRead | AnalysisDryRun,
        "description": "`dry_run`: nothing was launched. Else: an analysis that answers it already",
    },
    202: {
        "model": AnalysisRead,
        "description": "The analysis is queued",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}
TABLE: Answers = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


# The models of the answers are said in `LAUNCHED`, by status.
@router.post("/analyses", status_code=202, response_model=None, responses=LAUNCHED)
def launch_analysis(
    request: Annotated[AnalysisRequest, Body()],
    session: SessionDep,
    response: Response,
    dry_run: DryRunQuery = False,
) -> AnalysisRead | AnalysisDryRun:
    """Ask a question about a run's checkpoints; `GET /analyses/kinds` lists which there are.

    A question that was asked before is not asked again: its answer comes back. The checkpoints are
    those that there are now.
    """
    run = run_or_error(session, request.run)
    if dry_run:
        response.status_code = 200
        return plan_only(session, run, request)
    analysis, is_new = lifecycle.launch(session, run, request)
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/api/v1/analyses/{analysis.id}"
    session.refresh(analysis)
    return read_analysis(analysis)


@router.get("/analyses")
def get_analyses(
    session: SessionDep,
    run: Annotated[str | None, Query(description="Only those of this run")] = None,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> AnalysisPage:
    """List analyses, the newest first."""
    return list_analyses(session, run_id=run, cursor=cursor, limit=limit)


@router.get("/analyses/kinds")
def get_analysis_kinds() -> list[dict[str, Any]]:
    """Every kind of analysis, with the JSON Schema of its request."""
    return catalogue()


@router.get("/analyses/{analysis_id}")
def get_analysis(analysis: AnalysisDep) -> AnalysisRead:
    """One analysis, and where it stands."""
    return read_analysis(analysis)


@router.get("/analyses/{analysis_id}/result")
def get_analysis_result(analysis: AnalysisDep, session: SessionDep) -> AnalysisResult:
    """What it has found so far: all of it, once it has finished."""
    return read_result(session, analysis)


@router.get("/analyses/{analysis_id}/result.csv", responses=TABLE, response_class=Response)
def get_analysis_table(analysis: AnalysisDep, session: SessionDep) -> Response:
    """The same as a table, a line for every checkpoint and program."""
    named = f'attachment; filename="{analysis.kind}-{analysis.id}.csv"'
    text = csv_text(result_lines(read_result(session, analysis)))
    return Response(text, media_type="text/csv", headers={"Content-Disposition": named})


@router.get("/analyses/{analysis_id}/figure", summary="The figure of an analysis, for Plotly")
def get_analysis_figure(
    analysis: AnalysisDep,
    session: SessionDep,
    columns: Annotated[int, Query(ge=1, le=2, description="Of panels, where there are some")] = 2,
) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it."""
    return analysis_figure(analysis.kind, read_result(session, analysis), columns)


@router.post("/analyses/{analysis_id}/cancel", status_code=202, responses=CONFLICT)
def cancel_analysis(analysis: AnalysisDep, session: SessionDep) -> AnalysisRead:
    """Ask for it to stop. Asking again changes nothing; what was found stays."""
    lifecycle.request_cancel(session, analysis)
    return read_analysis(analysis)


@router.delete("/analyses/{analysis_id}", status_code=204, responses=CONFLICT)
def delete_analysis(analysis: AnalysisDep, session: SessionDep) -> None:
    """Remove an analysis that has ended, and what it found."""
    lifecycle.delete(session, analysis)
