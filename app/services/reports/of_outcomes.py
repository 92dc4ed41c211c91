"""Settings and outcomes in the report of several runs."""

from dataclasses import replace

from sqlalchemy.orm import Session

from app.services.charts.style import Figure
from app.services.compare.comparison import Chosen
from app.services.compare.view import CompareView
from app.services.outcomes.drawn import outcome_figures, read_drawn
from app.services.reports.report import ReportChart

USUAL_HEIGHT = 420  # pixels


def outcome_charts(
    session: Session, chosen: Chosen, view: CompareView, columns: int
) -> list[ReportChart]:
    """Their figures as a view has them; of a single run there is nothing to lay side by side."""
    if len(chosen.runs) < 2:
        return []
    drawn = read_drawn(session, chosen, view)
    charts = [_chart(figure) for figure in outcome_figures(drawn, columns).values()]
    # What was asked for and is not there would be drawn first.
    charts[0] = replace(charts[0], note=" ".join([*drawn.faults, charts[0].note]))
    return [one for one in charts if one.figure["data"]]


def _chart(figure: Figure) -> ReportChart:
    meta = figure["layout"]["meta"]
    return ReportChart(
        title=meta["title"],
        note=" ".join(meta["said"]),
        kind="overlay",
        figure=figure,
        height=meta["height"] or USUAL_HEIGHT,
        width=meta.get("width", 0),
    )
