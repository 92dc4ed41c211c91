"""The report of a figure of the paper: ours beside what was published."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.read import PaperFigureRead
from app.services.charts.style import Figure
from app.services.paper.analysed import figure_drawing, findings_of
from app.services.paper.drawing import paper_drawing
from app.services.paper.findings import measured, read_figure
from app.services.paper.state import runs_of
from app.services.reports.report import ReportChart, ReportTable, WrittenReport

COLUMNS = 2
_HOLDS = {True: "holds", False: "does not hold", None: "not told yet"}


def paper_report(session: Session, figure: PaperFigure) -> WrittenReport:
    """Its drawings, claims, deviations, tables and runs."""
    [runs] = runs_of(session, [figure])
    read, curves = read_figure(session, runs), measured(session, runs)
    drawings = [paper_drawing(figure, curves, COLUMNS)] if figure.panels else []
    if figure.analyses:
        drawings.append(figure_drawing(runs, findings_of(session, runs), curves, COLUMNS))
    return WrittenReport(
        title=f"{read.name}: {read.title}",
        kind="Figure of the paper",
        lead=[read.state, f"{read.finished} of {read.runs} runs finished"],
        sentences=[one for one in (read.asks, read.how, read.expected) if one],
        charts=[_chart(read, drawing) for drawing in drawings if drawing["data"]],
        tables=list(_tables(read)),
    )


def _chart(read: PaperFigureRead, drawing: Figure) -> ReportChart:
    note = f"Open circles: published, on {read.data_set}; lines: ours."
    height = drawing["layout"].get("height") or 420
    return ReportChart(read.title, note, "overlay", drawing, height)


def _tables(read: PaperFigureRead) -> Iterator[ReportTable]:
    claims = [(one.text, _HOLDS[one.holds], one.figures) for one in read.claims]
    yield ReportTable("Claims", ("Claim", "Here", "By"), claims)
    deviations = [
        (one.line, one.what, _said(one.ours), _said(one.published), _said(one.ratio))
        for one in read.deviations
    ]
    head = ("Line", "What", "Ours", "Published", "Ratio")
    yield ReportTable("Ours and the published numbers", head, deviations)
    for table in read.tables:
        lines = [tuple(map(_said, row)) for row in table.rows]
        yield ReportTable(table.title, table.columns, lines)
    members = [
        (one.name, one.run_id or "–", one.state or "not trained", one.config_hash[:12])
        for one in read.members
    ]
    yield ReportTable("Runs", ("Run", "Id", "State", "Config hash"), members)


def _said(cell: str | float | None) -> str:
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else f"{cell:,.6g}"
