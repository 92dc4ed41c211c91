"""What the analyses of a figure have found: tables with ours, claims decided, the picture."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.db import analyses
from app.schemas.analyses.presets import preset_by_id
from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper.figure import PAPER, FigureAnalysis, PublishedPoints, PublishedTable
from app.schemas.paper.joined import heads_here, seed_claims, seed_tables
from app.schemas.paper.read import PaperClaim
from app.schemas.paper.rules import Curves
from app.schemas.state import RunState
from app.services.analyses.analysis_read import read_result
from app.services.analyses.drawing.along import SEQUENCES
from app.services.analyses.drawing.figure import analysis_figure
from app.services.analyses.drawing.grids import AXES, STRENGTH
from app.services.charts.style import HUES, INK, Figure, axis_style, titled
from app.services.paper.seeds import seeds_drawing
from app.services.paper.state import FigureRuns

Findings = dict[tuple[str, str], AnalysisResult]  # by run and preset: whatever was found so far
HEIGHTS = {"wiring": (800, 1240), "perfect-match": (420, 760)}  # pixels, of 2 columns and of 1
USUAL_HEIGHT = 420
_AXES = {  # by preset, before there is an analysis to draw
    "along-training": (SEQUENCES, "induction strength, last layer (−1 to 1)"),
    "every-head": (STRENGTH, "{}"),
    "sub-circuits": (SEQUENCES, AXES["loss"]),
    "ways-to-output": (SEQUENCES, "loss added (nats)"),
    "added-back": ("heads active (number added)", AXES["loss"]),
    "perfect-match": (STRENGTH, AXES["accuracy"]),
}


def findings_of(session: Session, runs: FigureRuns) -> Findings:
    """The results of a figure's analyses, those that there are."""
    found: Findings = {}
    for one in runs.figure.analyses:
        here = runs.analysis(one)
        row = analyses.analysis_by_id(session, here.id) if here and here.done else None
        if row is not None:
            found[(one.run, one.preset)] = read_result(session, row)
    return found


def compared_tables(
    runs: FigureRuns, findings: Findings, curves: Curves
) -> Iterator[PublishedTable]:
    """The published tables, with ours in them once the analysis is whole."""
    if runs.figure.more_lines:
        yield from seed_tables(heads_here(_by_run(findings), curves))
    for one in runs.figure.analyses:
        result = _whole(findings, one)
        for table in one.tables:
            yield table.published if result is None else table.with_ours(result)


def analysis_claims(runs: FigureRuns, findings: Findings, curves: Curves) -> Iterator[PaperClaim]:
    """Every claim about an analysis, and whether it holds here."""
    if runs.figure.more_lines:
        for text, (holds, figures) in seed_claims(heads_here(_by_run(findings), curves)):
            yield PaperClaim(text=text, holds=holds, figures=figures)
    for one in runs.figure.analyses:
        result = _whole(findings, one)
        for claim in one.claims:
            if result is None:
                said = "not known until the analysis is there"
                yield PaperClaim(text=claim.text, holds=None, figures=said)
                continue
            holds, figures = claim.rule(result, curves)
            yield PaperClaim(text=claim.text, holds=holds, figures=figures)


def figure_drawing(runs: FigureRuns, findings: Findings, curves: Curves, columns: int) -> Figure:
    """The picture of the analyses of a figure: of one, or of several seeds joined."""
    if runs.figure.more_lines:
        return seeds_drawing(heads_here(_by_run(findings), curves), columns)
    [asked] = runs.figure.analyses
    return analysis_drawing(asked, findings.get((asked.run, asked.preset)), columns)


def _by_run(findings: Findings) -> dict[str, AnalysisResult]:
    """Of those that are whole."""
    return {run: one for (run, _), one in findings.items() if one.state is RunState.FINISHED}


def analysis_drawing(one: FigureAnalysis, result: AnalysisResult | None, columns: int) -> Figure:
    """The picture of an analysis with the published points over it."""
    columns = min(columns, 2)
    empty = AnalysisResult(
        id="", state=RunState.QUEUED, sequences=None, population=None,
        strongest=[], looking_back=[], cells=[], recovery=[], composition=[],
    )  # fmt: skip
    figure = analysis_figure(_kind(one), result or empty, columns, one.shown)
    if result is None or not result.cells:
        figure["layout"] |= _awaited_axes(one)
    wide, narrow = HEIGHTS.get(one.preset, (USUAL_HEIGHT, USUAL_HEIGHT))
    figure["layout"]["meta"] = {"height": wide if columns > 1 else narrow}
    figure["data"] += _points(one.points)
    return figure


def _awaited_axes(one: FigureAnalysis) -> dict[str, Any]:
    """Of a picture that has the published points alone; none where there are none of those."""
    x, y = _AXES.get(one.preset, ("", ""))
    style = axis_style() | {"visible": bool(one.points)}
    return {"xaxis": titled(style, x), "yaxis": titled(style, y.format(AXES[one.shown]))}


def _whole(findings: Findings, one: FigureAnalysis) -> AnalysisResult | None:
    result = findings.get((one.run, one.preset))
    return result if result is not None and result.state is RunState.FINISHED else None


def _kind(one: FigureAnalysis) -> str:
    preset = preset_by_id(one.preset)
    assert preset is not None
    return str(preset.settings["kind"])


def _points(published: Sequence[PublishedPoints]) -> list[dict[str, Any]]:
    """In the hue of the curve that they belong to, or in ink."""
    hues = [INK if one.curve is None else HUES[one.curve] for one in published]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{one.label}: {PAPER}",
            "x": [x for x, _ in one.points],
            "y": [y for _, y in one.points],
            "marker": {"symbol": "circle-open", "size": 8, "color": hue, "line": {"width": 1.5}},
            "hovertemplate": f"{PAPER}: " + "%{y}<extra>" + one.label + "</extra>",
            "meta": {"is_ink": hue == INK},
            "uid": f"paper-{one.label}",
        }
        for one, hue in zip(published, hues, strict=True)
    ]
