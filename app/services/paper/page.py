"""The pages of the gallery: all figures as cards, and one with our curves and published points."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.errors import Invalid
from app.schemas.analyses.presets import PRESETS
from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.read import (
    PaperClaim,
    PaperDeviation,
    PaperMade,
    PaperRunRead,
    PaperSummary,
    PaperTableRead,
)
from app.schemas.paper.registry import FIGURES
from app.services.paper.findings import read_figure
from app.services.paper.making import cost
from app.services.paper.state import FigureRuns, runs_of, summary_of

BUSY_SECONDS, IDLE_SECONDS = 3, 15
TITLES = {one.id: one.title for one in PRESETS}


@dataclass(frozen=True)
class PaperCard:
    """A figure in the gallery."""

    summary: PaperSummary
    said: str
    progress: float
    cost: PaperMade | None  # None: nothing to launch


@dataclass(frozen=True)
class PaperLeft:
    """What all figures together lack, each run once."""

    runs: int
    seconds: float  # of one worker


@dataclass(frozen=True)
class PaperGallery:
    """Context of `paper/list.html`."""

    cards: Sequence[PaperCard]
    refresh_seconds: int
    left: PaperLeft  # that "make all" would make


@dataclass(frozen=True)
class PaperChart:
    """A picture on the page of a figure: of the trainings, or of an analysis."""

    part: Literal["training", "analysis"]
    title: str
    published: bool  # whether points of the paper are in it


@dataclass(frozen=True)
class PaperStatus:
    """What changes on a figure's page while its runs train."""

    card: PaperCard
    summary: PaperSummary
    members: Sequence[PaperRunRead]
    claims: Sequence[PaperClaim]
    deviations: Sequence[PaperDeviation]
    tables: Sequence[PaperTableRead]
    refresh_seconds: int


@dataclass(frozen=True)
class PaperPageContext(PaperStatus):
    """Context of `paper/page.html`."""

    figure: PaperFigure
    charts: Sequence[PaperChart]
    configs: str
    page_data: dict[str, Any]


def gallery(session: Session) -> PaperGallery:
    """All figures and tables, in the order of the paper."""
    found = runs_of(session, FIGURES)
    busy = any(one.going or one.analysing for one in found)
    cards = [_card(session, one) for one in found]
    return PaperGallery(
        cards=cards,
        refresh_seconds=BUSY_SECONDS if busy else IDLE_SECONDS,
        left=_left(found, cards),
    )


def _left(found: Sequence[FigureRuns], cards: Sequence[PaperCard]) -> PaperLeft:
    own = [(one, card) for one, card in zip(found, cards, strict=True) if not one.figure.is_large]
    # By their configs, which figures share; grafted runs have none before there are donors.
    named = {run.config_hash: run for one, _ in own for run in one.missing}
    unnamed = [run for one, _ in own for run in one.unnamed]
    missing = [run.config.training.total_sequences for run in (*named.values(), *unnamed)]
    costs = [card.cost for _, card in own if card.cost]
    paces = [one.estimate.seconds / one.estimate.sequences for one in costs if one.estimate]
    training = sum(missing) * max(paces, default=0.0)
    return PaperLeft(len(missing), training + sum(one.analysis_seconds for one in costs))


def paper_status(session: Session, figure: PaperFigure) -> PaperStatus:
    """How far a figure is and what it shows so far."""
    [runs] = runs_of(session, [figure])
    read = read_figure(session, runs)
    return PaperStatus(
        card=_card(session, runs),
        summary=read,
        members=read.members,
        claims=read.claims,
        deviations=read.deviations,
        tables=read.tables,
        refresh_seconds=BUSY_SECONDS if runs.going or runs.analysing else 0,
    )


def paper_page(session: Session, figure: PaperFigure) -> PaperPageContext:
    """Everything that the page shows at first."""
    status = paper_status(session, figure)
    configs = {run.name: run.config.model_dump(mode="json") for run in figure.runs}
    return PaperPageContext(
        **{name: getattr(status, name) for name in PaperStatus.__dataclass_fields__},
        figure=figure,
        charts=_charts(figure),
        configs=json.dumps(configs, indent=1),
        page_data={"url": f"/api/v1/figures/paper/{figure.id}/figure", "name": figure.id},
    )


def _charts(figure: PaperFigure) -> list[PaperChart]:
    """Drawn by the page once it knows how wide they are."""
    title = "Training" if figure.analyses else "Figure"
    lines = [line.published for panel in figure.panels for line in panel.lines]
    charts = [PaperChart("training", title, any(one.points or one.crossings for one in lines))]
    titles = (
        ["Heads over seeds"]
        if figure.more_lines
        else [TITLES[one.preset] for one in figure.analyses]
    )
    points = bool(figure.more_lines) or any(one.points for one in figure.analyses)
    asked = [PaperChart("analysis", title, points) for title in titles]
    return [*(charts if figure.panels else []), *asked]


def _card(session: Session, runs: FigureRuns) -> PaperCard:
    summary = summary_of(runs)
    can_make = runs.figure.request is not None and (runs.missing or runs.unnamed or runs.unasked)
    said, to_be_made = _said(summary), None
    if can_make:
        try:
            to_be_made = cost(session, runs.figure)
        except Invalid as error:  # what it grafts from has gone, or there is no room
            said = f"{said}; cannot be made: {error.detail}"
    return PaperCard(summary=summary, said=said, progress=runs.progress, cost=to_be_made)


def _said(one: PaperSummary) -> str:
    """The state in a few words."""
    match one.state:
        case "training":
            return f"training, {one.finished} of {one.runs} runs ready"
        case "analysing":
            return "trained; being analysed"
        case "partly made":
            return f"{one.finished} of {one.runs} runs ready"
        case "needs analyses":
            return "trained; needs analyses"
        case "elsewhere":
            return "no runs needed"
    return one.state
