"""How far figures are: their runs are found by configs, whoever launched them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.db import studies
from app.db.studies import ConfigRun
from app.errors import NotFound
from app.schemas.paper.figure import FigureAnalysis, PaperFigure, PaperNeeds
from app.schemas.paper.read import (
    PaperAnalysisRead,
    PaperList,
    PaperRunRead,
    PaperState,
    PaperSummary,
)
from app.schemas.paper.registry import BY_ID, FIGURES
from app.schemas.state import TERMINAL, RunState
from app.schemas.studies.expansion import ExpandedRun, expand
from app.schemas.studies.request import StudyRequest
from app.services.paper.asked import Asked, FoundAnalysis, found_analyses

RunsByHash = Mapping[str, ConfigRun]


@dataclass(frozen=True)
class FigureRuns:
    """A figure with the runs that it has here, and what was asked of them."""

    figure: PaperFigure
    found: RunsByHash
    asked: Mapping[Asked, FoundAnalysis] = field(default_factory=dict)
    grafted: Sequence[ExpandedRun] = ()  # of the figure's, those whose donors are here

    @property
    def runs(self) -> Sequence[ExpandedRun]:
        """All runs that can be named yet."""
        return (*self.figure.runs, *self.grafted)

    @property
    def count(self) -> int:
        """Of all runs of the figure."""
        return len(self.figure.runs) + len(self.figure.grafted)

    @property
    def unnamed(self) -> Sequence[ExpandedRun]:
        """Runs without the grafts that they will have, once their donors are launched."""
        named = {run.name for run in self.grafted}
        return [run for run in self.figure.ungrafted if run.name not in named]

    def of(self, run: ExpandedRun) -> ConfigRun | None:
        return self.found.get(run.config_hash)

    def analysis(self, one: FigureAnalysis) -> FoundAnalysis | None:
        run = self.by_name.get(one.run)
        return self.asked.get((run.id, one.preset)) if run else None

    @property
    def by_name(self) -> dict[str, ConfigRun]:
        return {run.name: one for run in self.runs if (one := self.of(run))}

    @property
    def finished(self) -> int:
        return sum(one.state is RunState.FINISHED for one in self.by_name.values())

    @property
    def going(self) -> int:
        return sum(one.state not in TERMINAL for one in self.by_name.values())

    @property
    def missing(self) -> list[ExpandedRun]:
        """Runs that have to be launched: neither finished nor under way."""
        return [run for run in self.runs if not _is_there(self.of(run))]

    @property
    def unasked(self) -> list[FigureAnalysis]:
        """Analyses that have to be launched."""
        found = [(one, self.analysis(one)) for one in self.figure.analyses]
        return [one for one, analysis in found if analysis is None or not analysis.is_there]

    @property
    def analysing(self) -> list[FoundAnalysis]:
        """Analyses that are under way."""
        found = filter(None, map(self.analysis, self.figure.analyses))
        return [one for one in found if one.state not in TERMINAL]

    @property
    def state(self) -> PaperState:
        if self.figure.needs in (PaperNeeds.TOY, PaperNeeds.DRAWING):
            return "elsewhere"
        if self.going:
            return "training"
        if not self.finished:
            return "not made"
        if self.missing or self.unnamed:
            return "partly made"
        if self.analysing:
            return "analysing"
        is_drawn = self.figure.panels or self.figure.analyses
        return "ready" if is_drawn and not self.unasked else "needs analyses"

    @property
    def progress(self) -> float:
        """The share of all sequences that was trained on; then of the analyses that is done."""
        if self.state == "analysing":
            total = sum(one.total for one in self.analysing)
            return sum(one.done for one in self.analysing) / total if total else 0.0
        total = self.figure.sequences
        done = sum(min(one.sequences, one.total_sequences) for one in self.by_name.values())
        return min(1.0, done / total) if total else 0.0


def _is_there(run: ConfigRun | None) -> bool:
    return run is not None and (run.state is RunState.FINISHED or run.state not in TERMINAL)


def figure_or_error(figure_id: str) -> PaperFigure:
    """The figure called so, or `NotFound`."""
    if figure_id not in BY_ID:
        known = ", ".join(BY_ID)
        raise NotFound(f"The paper has no figure {figure_id!r}; there are {known}.")
    return BY_ID[figure_id]


def runs_of(session: Session, figures: Sequence[PaperFigure]) -> list[FigureRuns]:
    """The figures with their runs and analyses; two statements for all."""
    hashes = {run.config_hash for figure in figures for run in figure.runs}
    found = studies.runs_of_configs(session, hashes)
    analysed = [figure for figure in figures if figure.analyses]
    ids = {
        found[run.config_hash].id
        for figure in analysed
        for run in figure.runs
        if run.config_hash in found
    }
    asked = found_analyses(session, ids) if ids else {}
    grafted = {figure.id: named_grafts(figure, found) for figure in figures if figure.grafted}
    wanted = {run.config_hash for runs in grafted.values() for run in runs}
    found |= studies.runs_of_configs(session, wanted) if wanted else {}
    return [FigureRuns(figure, found, asked, grafted.get(figure.id, ())) for figure in figures]


def named_grafts(figure: PaperFigure, found: RunsByHash) -> list[ExpandedRun]:
    """The grafted runs of a figure whose donors are finished or under way here."""
    donors = {run.name: found.get(run.config_hash) for run in figure.runs}
    taking = [
        one.taking(donor.id, donor.total_sequences)
        for one in figure.grafted
        if (donor := donors[one.donor]) is not None and _is_there(donor)
    ]
    return expand(StudyRequest(runs=taking)).runs if taking else []


def list_figures(session: Session) -> PaperList:
    """All of them, as the API says them."""
    return PaperList(figures=[summary_of(one) for one in runs_of(session, FIGURES)])


def summary_of(runs: FigureRuns) -> PaperSummary:
    """What a card says."""
    figure = runs.figure
    return PaperSummary(
        id=figure.id,
        name=figure.name,
        title=figure.title,
        asks=figure.asks,
        needs=figure.needs,
        how=figure.how,
        state=runs.state,
        runs=runs.count,
        finished=runs.finished,
        going=runs.going,
        analyses=[_asked(runs, one) for one in figure.analyses],
    )


def _asked(runs: FigureRuns, one: FigureAnalysis) -> PaperAnalysisRead:
    found = runs.analysis(one)
    return PaperAnalysisRead(
        run=one.run,
        preset=one.preset,
        analysis_id=found.id if found else None,
        state=found.state if found else None,
    )


def members_of(runs: FigureRuns) -> list[PaperRunRead]:
    """The runs that a figure needs, each with the one that stands for it here."""
    own = [_member(run, runs.of(run)) for run in runs.runs]
    return [*own, *(_member(run, None) for run in runs.unnamed)]


def _member(run: ExpandedRun, here: ConfigRun | None) -> PaperRunRead:
    return PaperRunRead(
        name=run.name,
        config_hash=run.config_hash,
        run_id=here.id if here else None,
        state=here.state if here else None,
        sequences=here.sequences if here else 0,
        total_sequences=run.config.training.total_sequences,
    )
