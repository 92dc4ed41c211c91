"""The report of a comparison."""

from sqlalchemy.orm import Session

from app.schemas.words import grouped
from app.services.compare.comparison import Comparison
from app.services.compare.figures import compare_figure
from app.services.compare.page import read_comparison, value_title
from app.services.compare.view import CompareView
from app.services.reports.of_outcomes import outcome_charts
from app.services.reports.report import ReportChart, ReportTable, WrittenReport
from app.services.runs.run_read import describe_config
from app.services.wording import short


def comparison_report(session: Session, view: CompareView, columns: int) -> WrittenReport:
    """The figure of a comparison, its runs, and what differs in their configs."""
    comparison = read_comparison(session, view)
    figure = compare_figure(comparison, columns)
    meta = figure["layout"]["meta"]
    title = value_title(comparison)
    chart = ReportChart(title, meta["note"], "overlay", figure, meta.get("height") or 420)
    runs = comparison.chosen.runs
    outcomes = outcome_charts(session, comparison.chosen, view, columns)
    return WrittenReport(
        title=f"{title} of {len(runs)} run{'s' if len(runs) > 1 else ''}",
        kind="Comparison",
        lead=[],
        charts=[chart, *outcomes],
        tables=[_runs(comparison), _clamps(comparison), _differences(comparison)],
    )


def _runs(comparison: Comparison) -> ReportTable:
    lines = [
        (
            one.run.name,
            one.run.id,
            one.run.state,
            grouped(one.run.sequences),
            ", ".join(filter(None, (short(one.run.midpoint), one.phase_marks))),
            one.run.config_hash[:12],
        )
        for one in comparison.chosen.runs
    ]
    head = ("Run", "Id", "State", "Sequences", "Phase change", "Config hash")
    return ReportTable("Runs", head, lines)


def _clamps(comparison: Comparison) -> ReportTable:
    lines = [
        (one.run.name, " ".join(describe_config(one.config))) for one in comparison.chosen.runs
    ]
    return ReportTable("In words", ("Run", "What is done"), lines)


def _differences(comparison: Comparison) -> ReportTable:
    differing = comparison.chosen.differences.fields
    names = [one.run.name for one in comparison.chosen.runs]
    lines = [(one.title, *one.texts) for one in differing]
    return ReportTable("What differs", ("Setting", *names), lines)
