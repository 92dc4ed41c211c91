"""What the gallery knows of a figure or table of the paper."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper.rules import AnalysisClaim, PublishedClaim
from app.schemas.studies.expansion import ExpandedRun, expand
from app.schemas.studies.request import PROGRAM, StudyRequest, StudyRun

PAPER = "paper, Omniglot"  # what published numbers are called beside ours


class PaperNeeds(StrEnum):
    """What a figure is made from."""

    TRAINING = "training"  # what runs report
    ANALYSES = "analyses"  # what is computed from their checkpoints
    TOY = "toy"  # the model of three vectors
    DRAWING = "drawing"  # nothing: it shows how things are


class Provenance(StrEnum):
    """How published numbers were had."""

    TEXT = "text"  # printed by the published notebooks, to all digits given
    DIGITISED = "digitised"  # read off a stored picture, with its error
    SIMULATED = "simulated"  # computed again from the published code


@dataclass(frozen=True)
class PublishedCurve:
    """Points of a curve, and where it first falls below some losses; all in sequences, nats."""

    points: Sequence[tuple[int, float]] = ()
    crossings: Mapping[str, int] = field(default_factory=dict)  # by a level of `rules.LEVELS`


@dataclass(frozen=True)
class PaperLine:
    """A curve of a figure: a number of one of its runs, and what was published of it."""

    label: str
    run: str  # the name of a run of the figure
    metric: str = "loss.train"
    published: PublishedCurve = PublishedCurve()


@dataclass(frozen=True)
class PaperPanel:
    """A chart of a figure."""

    lines: Sequence[PaperLine]
    until: int  # sequences: where its x axis ends
    title: str = ""


TableRow = tuple[str | float | None, ...]


@dataclass(frozen=True)
class PublishedTable:
    """Numbers that are no curve: a row each, named."""

    title: str
    columns: Sequence[str]
    rows: Sequence[TableRow]
    unit: str
    had: Provenance


@dataclass(frozen=True)
class PublishedPoints:
    """Points of the paper over the picture of an analysis, in its axes."""

    label: str
    points: Sequence[tuple[float, float]]
    curve: int | None = 0  # which of ours they belong to, in its order; None: it differs by run


@dataclass(frozen=True)
class ComparedTable:
    """A published table, and the same with ours in it."""

    published: PublishedTable
    with_ours: Callable[[AnalysisResult], PublishedTable]


@dataclass(frozen=True)
class FigureAnalysis:
    """A question that a figure asks of one of its runs: a preset, by its id."""

    run: str
    preset: str
    tables: Sequence[ComparedTable] = ()
    points: Sequence[PublishedPoints] = ()
    claims: Sequence[AnalysisClaim] = ()
    shown: Literal["accuracy", "loss"] = "accuracy"  # of grids of heads


@dataclass(frozen=True)
class GraftedRun:
    """A run that takes everything up to a layer from the end of another run of the figure."""

    run: StudyRun  # without that clamp, which names the donor
    donor: str  # the name of a run of the figure
    site: str

    def taking(self, donor_id: str, sequences: int) -> StudyRun:
        """The run with its clamp."""
        clamp = {
            "kind": "graft_in",
            "site": self.site,
            "checkpoint": f"{donor_id}@{sequences}",
        }
        return self.run.model_copy(update={"changes": {**self.run.changes, PROGRAM: [clamp]}})


@dataclass(frozen=True)
class PaperFigure:
    """A figure or table of the paper."""

    id: str
    name: str  # as the paper numbers it
    title: str
    asks: str
    needs: PaperNeeds
    how: str = ""  # how what is not made from training alone comes about
    address: str = ""  # where else it is shown
    analyses: Sequence[FigureAnalysis] = ()
    request: StudyRequest | None = None  # the runs that it draws
    grafted: Sequence[GraftedRun] = ()  # further ones, whose configs name runs that are here
    more_lines: Sequence[PaperLine] = ()  # curves that it reads and does not draw
    panels: Sequence[PaperPanel] = ()
    tables: Sequence[PublishedTable] = ()
    had: Provenance = Provenance.DIGITISED
    error: str = ""  # of the published numbers
    expected: str = ""  # what agreement other data or another seed should give
    claims: Sequence[PublishedClaim] = ()
    is_large: bool = False  # of many seeds: not made with all others

    @cached_property
    def runs(self) -> Sequence[ExpandedRun]:
        """The runs that it needs, configs that are equal once."""
        return expand(self.request).runs if self.request else ()

    @property
    def lines(self) -> list[PaperLine]:
        """Its curves, each once: panels may share some."""
        drawn = [line for panel in self.panels for line in panel.lines]
        return list({line.label: line for line in (*drawn, *self.more_lines)}.values())

    @property
    def sequences(self) -> int:
        """That all of its runs are trained on."""
        own = sum(run.config.training.total_sequences for run in self.runs)
        return own + sum(run.config.training.total_sequences for run in self.ungrafted)

    @cached_property
    def ungrafted(self) -> Sequence[ExpandedRun]:
        """Its grafted runs without their grafts: what is known before there are donors."""
        return [expand(StudyRequest(runs=[one.run])).runs[0] for one in self.grafted]
