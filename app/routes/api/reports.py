"""REST: reports, each one file that opens without a server."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from app.dependencies import BoardDep, RunDep, SessionDep, StudyDep
from app.routes.answers import Answers
from app.routes.api.compare import ComparedDep
from app.routes.api.paper import PaperFigureDep
from app.routes.api.studies import StudyViewDep
from app.routes.compared import ColumnsQuery
from app.services.charts.run_figures import FigureName
from app.services.compare.page import USUAL_COLUMNS
from app.services.compare.table import csv_name
from app.services.reports.of_board import board_report
from app.services.reports.of_circuit import forming_picture
from app.services.reports.of_comparison import comparison_report
from app.services.reports.of_paper import paper_report
from app.services.reports.of_run import figure_report, run_report
from app.services.reports.of_study import study_report
from app.services.reports.report import WrittenReport, report_file
from app.templating import document

router = APIRouter(tags=["reports"])

HTML: Answers = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}

SVG = "image/svg+xml"


@router.get(
    "/runs/{run_id}/forming.svg",
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}}},
    response_class=Response,
)
def get_forming(run: RunDep, session: SessionDep) -> Response:
    """A run's circuit as it forms: an SVG that moves by itself, without a script, of at most 60 of
    its frames. Heads are filled by their strengths, lines are what key composition has gained.
    """
    headers = {"Content-Disposition": f'attachment; filename="{run.id}-forming.svg"'}
    return Response(forming_picture(session, run), media_type=SVG, headers=headers)


@router.get("/runs/{run_id}/report.html", responses=HTML, response_class=HTMLResponse)
def get_run_report(run: RunDep, session: SessionDep) -> HTMLResponse:
    """A run as one page that opens anywhere, with charts to zoom, attention frames, its clamps in
    words, its settings and what repeats it.
    """
    return _sent(run_report(session, run), run.id)


@router.get(
    "/runs/{run_id}/figures/{name}/report.html", responses=HTML, response_class=HTMLResponse
)
def get_figure_report(run: RunDep, session: SessionDep, name: FigureName) -> HTMLResponse:
    """One figure of a run, the same way."""
    return _sent(figure_report(session, run, name), f"{run.id}-{name}")


@router.get("/compare/report.html", responses=HTML, response_class=HTMLResponse)
def get_compare_report(
    session: SessionDep, view: ComparedDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> HTMLResponse:
    """A comparison, the same way, with its settings and outcomes, and with what differs in the
    configs of its runs."""
    return _sent(comparison_report(session, view, columns), csv_name(view))


@router.get("/studies/{study_id}/report.html", responses=HTML, response_class=HTMLResponse)
def get_study_report(
    study: StudyDep, session: SessionDep, view: StudyViewDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> HTMLResponse:
    """A study, the same way: its curves as they are asked for, what its runs were given and came
    to, every run in a table, and the request that launches it once more.
    """
    return _sent(study_report(session, study, view, columns), f"study-{study.id}")


@router.get("/boards/{board_id}/report.html", responses=HTML, response_class=HTMLResponse)
def get_board_report(
    board: BoardDep, session: SessionDep, columns: ColumnsQuery = USUAL_COLUMNS
) -> HTMLResponse:
    """A board, the same way: its texts and figures in order, as they are now."""
    return _sent(board_report(session, board, columns), f"board-{board.id}")


@router.get("/figures/paper/{figure_id}/report.html", responses=HTML, response_class=HTMLResponse)
def get_paper_report(session: SessionDep, figure: PaperFigureDep) -> HTMLResponse:
    """A figure of the paper, the same way: ours beside the published numbers, and its claims."""
    return _sent(paper_report(session, figure), f"paper-{figure.id}")


def _sent(report: WrittenReport, name: str) -> HTMLResponse:
    # To be saved and not shown: on a page of ours its own scripts may not run.
    headers = {"Content-Disposition": f'attachment; filename="{name}-report.html"'}
    return HTMLResponse(document("reports/page.html", report_file(report)), headers=headers)
