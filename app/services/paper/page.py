"""The pages of the gallery: all figures as cards, and one with our curves and published points."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

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
from app.services.paper.drawing import paper_drawing
from app.services.paper.findings import measured, read_figure
from app.services.paper.making import cost
from app.services.paper.state import FigureRuns, runs_of, summary_of

BUSY_SECONDS, IDLE_SECONDS = 3, 15


@dataclass(frozen=True)
class PaperCard:
    """A figure in the gallery."""

    summary: PaperSummary
    said: str
    progress: float
    cost: PaperMade | None  # None: nothing to launch
    analysis: str  # what can be asked of the run that is trained; nothing while it is not
    run_id: str


@dataclass(frozen=True)
class PaperGallery:
    """Context of `paper/list.html`."""

    cards: Sequence[PaperCard]
    refresh_seconds: int


@dataclass(frozen=True)
class PaperStatus:
    """What changes on a figure's page while its runs train."""

    card: PaperCard
    summary: PaperSummary
    members: Sequence[PaperRunRead]
    claims: Sequence[PaperClaim]
    deviations: Sequence[PaperDeviation]
    refresh_seconds: int


@dataclass(frozen=True)
class PaperPageContext(PaperStatus):
    """Context of `paper/page.html`."""

    figure: PaperFigure
    tables: Sequence[PaperTableRead]
    configs: str
    awaited: str
    page_data: dict[str, Any]


def gallery(session: Session) -> PaperGallery:
    """All figures and tables, in the order of the paper."""
    found = runs_of(session, FIGURES)
    busy = any(one.going for one in found)
    return PaperGallery(
        cards=[_card(session, one) for one in found],
        refresh_seconds=BUSY_SECONDS if busy else IDLE_SECONDS,
    )


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
        refresh_seconds=BUSY_SECONDS if runs.going else 0,
    )


def paper_page(session: Session, figure: PaperFigure) -> PaperPageContext:
    """Everything that the page shows at first."""
    status = paper_status(session, figure)
    [runs] = runs_of(session, [figure])
    read = read_figure(session, runs)
    configs = {run.name: run.config.model_dump(mode="json") for run in figure.runs}
    return PaperPageContext(
        **{name: getattr(status, name) for name in PaperStatus.__dataclass_fields__},
        figure=figure,
        tables=read.tables,
        configs=json.dumps(configs, indent=1),
        awaited="" if runs.by_name or figure.panels else "Nothing to draw yet.",
        page_data={
            "figure_url": f"/api/v1/figures/paper/{figure.id}/figure",
            "figure": paper_drawing(figure, measured(session, runs)),
        },
    )


def _card(session: Session, runs: FigureRuns) -> PaperCard:
    summary = summary_of(runs)
    can_make = runs.figure.request is not None and runs.missing
    return PaperCard(
        summary=summary,
        said=_said(summary),
        progress=runs.progress,
        cost=cost(session, runs.figure) if can_make else None,
        analysis=runs.figure.analysis if summary.state == "needs analyses" else "",
        run_id=next((one.id for one in runs.by_name.values()), ""),
    )


def _said(one: PaperSummary) -> str:
    """The state in a few words."""
    match one.state:
        case "training":
            return f"training, {one.finished} of {one.runs} runs ready"
        case "partly made":
            return f"{one.finished} of {one.runs} runs ready"
        case "needs analyses":
            return "trained; needs analyses"
        case "elsewhere":
            return "no runs needed"
    return one.state
