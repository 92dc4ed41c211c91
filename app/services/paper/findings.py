"""What our runs say: their curves, deviations from the published numbers, and claims checked."""

from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from app.db.series import curves_of
from app.schemas.paper.figure import PaperFigure, PaperLine, PublishedTable
from app.schemas.paper.read import (
    PaperClaim,
    PaperDeviation,
    PaperFigureRead,
    PaperTableRead,
    PublishedLineRead,
)
from app.schemas.paper.rules import LEVELS, Curves, MeasuredCurve, PublishedClaim, at, crossing
from app.schemas.state import TERMINAL
from app.schemas.words import grouped
from app.services.charts.curves import STUDY_METRICS
from app.services.paper.analysed import analysis_claims, compared_tables, findings_of
from app.services.paper.state import FigureRuns, members_of, summary_of


def measured(session: Session, runs: FigureRuns) -> dict[str, MeasuredCurve]:
    """The curves of a figure that there are, by label; a statement for each metric."""
    here = runs.by_name
    curves: dict[str, MeasuredCurve] = {}
    for metric in dict.fromkeys(line.metric for line in runs.figure.lines):
        lines = [one for one in runs.figure.lines if one.metric == metric and one.run in here]
        ids = {here[line.run].id for line in lines}
        found = {one.run_id: one for one in curves_of(session, ids, STUDY_METRICS[metric].column)}
        for line in lines:
            if own := found.get(here[line.run].id):
                is_whole = here[line.run].state in TERMINAL
                curves[line.label] = MeasuredCurve(own.sequences, own.numbers, is_whole)
    return curves


def deviations(figure: PaperFigure, curves: Curves) -> list[PaperDeviation]:
    """Every published crossing and point beside ours."""
    return [one for line in figure.lines for one in _deviations(line, curves.get(line.label))]


def _deviations(line: PaperLine, curve: MeasuredCurve | None) -> Iterator[PaperDeviation]:
    for level, published in line.published.crossings.items():
        ours = crossing(curve, LEVELS[level]) if curve else None
        yield _beside(line, f"falls below {level} at", ours, published)
    for place, loss in line.published.points:
        ours = at(curve, place) if curve else None
        yield _beside(line, f"loss at {grouped(place)}", ours, loss)


def _beside(line: PaperLine, what: str, ours: float | None, published: float) -> PaperDeviation:
    ratio = ours / published if ours is not None and published else None
    return PaperDeviation(line=line.label, what=what, ours=ours, published=published, ratio=ratio)


def claims(figure: PaperFigure, curves: Curves) -> list[PaperClaim]:
    """Every claim, and whether it holds here."""
    return [_claim(one, curves) for one in figure.claims]


def _claim(claim: PublishedClaim, curves: Curves) -> PaperClaim:
    missing = missing_labels(claim, curves)
    if missing:
        return PaperClaim(text=claim.text, holds=None, figures=f"not made yet: {missing[0]}")
    holds, figures = claim.rule(curves)
    return PaperClaim(text=claim.text, holds=holds, figures=figures)


def missing_labels(claim: PublishedClaim, curves: Collection[str]) -> list[str]:
    """The curves that a claim is about and that are not there."""
    return [label for label in claim.rule.needed if label not in curves]


def read_figure(session: Session, runs: FigureRuns) -> PaperFigureRead:
    """All that there is of a figure."""
    figure, curves = runs.figure, measured(session, runs)
    findings = findings_of(session, runs)
    return PaperFigureRead(
        **dict(summary_of(runs)),
        data_set="Omniglot",
        had=figure.had,
        error=figure.error,
        expected=figure.expected,
        members=members_of(runs),
        published=[_published(line) for line in figure.lines],
        tables=[
            *(_table(one, is_compared=True) for one in compared_tables(runs, findings, curves)),
            *(_table(one, is_compared=False) for one in figure.tables),
        ],
        deviations=deviations(figure, curves),
        claims=[*claims(figure, curves), *analysis_claims(runs, findings, curves)],
    )


def _table(table: PublishedTable, *, is_compared: bool) -> PaperTableRead:
    return PaperTableRead(
        title=table.title,
        columns=list(table.columns),
        rows=[list(row) for row in table.rows],
        unit=table.unit,
        had=table.had,
        is_compared=is_compared,
    )


def _published(line: PaperLine) -> PublishedLineRead:
    return PublishedLineRead(
        label=line.label,
        metric=line.metric,
        points=list(line.published.points),
        crossings=dict(line.published.crossings),
    )
