"""How far figures are: their runs are found by configs, whoever launched them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import studies
from app.db.studies import ConfigRun
from app.errors import NotFound
from app.schemas.paper.figure import PaperFigure, PaperNeeds
from app.schemas.paper.read import PaperList, PaperRunRead, PaperState, PaperSummary
from app.schemas.paper.registry import BY_ID, FIGURES
from app.schemas.state import TERMINAL, RunState
from app.schemas.studies.expansion import ExpandedRun

RunsByHash = Mapping[str, ConfigRun]


@dataclass(frozen=True)
class FigureRuns:
    """A figure with the runs that it has here."""

    figure: PaperFigure
    found: RunsByHash

    def of(self, run: ExpandedRun) -> ConfigRun | None:
        return self.found.get(run.config_hash)

    @property
    def by_name(self) -> dict[str, ConfigRun]:
        return {run.name: one for run in self.figure.runs if (one := self.of(run))}

    @property
    def finished(self) -> int:
        return sum(one.state is RunState.FINISHED for one in self.by_name.values())

    @property
    def going(self) -> int:
        return sum(one.state not in TERMINAL for one in self.by_name.values())

    @property
    def missing(self) -> list[ExpandedRun]:
        """Runs that have to be launched: neither finished nor under way."""
        return [run for run in self.figure.runs if not _is_there(self.of(run))]

    @property
    def state(self) -> PaperState:
        if self.figure.needs in (PaperNeeds.TOY, PaperNeeds.DRAWING):
            return "elsewhere"
        if self.going:
            return "training"
        if not self.finished:
            return "not made"
        if self.missing:
            return "partly made"
        return "ready" if self.figure.panels else "needs analyses"

    @property
    def progress(self) -> float:
        """Of all sequences, the share that was trained on."""
        total = sum(run.config.training.total_sequences for run in self.figure.runs)
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
    """The figures with their runs; one statement for all."""
    hashes = {run.config_hash for figure in figures for run in figure.runs}
    found = studies.runs_of_configs(session, hashes)
    return [FigureRuns(figure, found) for figure in figures]


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
        runs=len(figure.runs),
        finished=runs.finished,
        going=runs.going,
    )


def members_of(runs: FigureRuns) -> list[PaperRunRead]:
    """The runs that a figure needs, each with the one that stands for it here."""
    return [_member(run, runs.of(run)) for run in runs.figure.runs]


def _member(run: ExpandedRun, here: ConfigRun | None) -> PaperRunRead:
    return PaperRunRead(
        name=run.name,
        config_hash=run.config_hash,
        run_id=here.id if here else None,
        state=here.state if here else None,
        sequences=here.sequences if here else 0,
        total_sequences=run.config.training.total_sequences,
    )
