"""The four figures of settings and outcomes: what is read for them, and what is said with each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.orm import Session

from app.errors import Invalid
from app.schemas.series import INDUCTION
from app.services.charts.style import Figure
from app.services.colours import distinct_colours
from app.services.compare.comparison import Chosen, choose_all
from app.services.compare.view import USUAL, CompareView
from app.services.outcomes.correlation_figure import correlation_figure
from app.services.outcomes.correlation_table import CorrelationTable, correlation_table
from app.services.outcomes.heads import (
    MEASURES_OF_HEADS,
    MOMENTS,
    HeadPictures,
    heads_figure,
    read_pictures,
)
from app.services.outcomes.outcomes import Outcomes, read_outcomes
from app.services.outcomes.parallel import parallel_figure, parallel_quantities
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import DrawnRun, scatter_figure
from app.services.outcomes.view import INSTEAD, pair_of, pair_said, pictures_said

PASSING_BELOW = (
    "Each axis goes from its least value to its greatest. A run without a value passes below, at "
    "“none”."
)


class OutcomeFigureName(StrEnum):
    """A figure of settings and outcomes."""

    SCATTER = "scatter"  # one against another
    CORRELATIONS = "correlations"
    PARALLEL = "parallel"  # every run a line through all of them
    HEADS = "heads"  # of every run, at the same moment


@dataclass(frozen=True)
class DrawnOutcomes:
    """What is drawn of runs. `faults`: what of the view cannot be, so that the usual is shown."""

    view: CompareView
    faults: Sequence[str]
    outcomes: Outcomes
    x: Quantity
    y: Quantity
    table: CorrelationTable
    pictures: HeadPictures

    @property
    def runs(self) -> list[DrawnRun]:
        runs = [one.run for one in self.outcomes.chosen.runs]
        hues = distinct_colours((run.id, run.colour) for run in runs)
        return [DrawnRun(run.id, run.name, hues[run.id]) for run in runs]

    @property
    def said(self) -> list[str]:
        """What is said of the pair that is drawn."""
        return list(pair_said(self.outcomes.chosen, self.x, self.y))


def read_drawn(session: Session, chosen: Chosen, view: CompareView) -> DrawnOutcomes:
    """Settings and outcomes of the runs as a view asks for them."""
    outcomes = read_outcomes(session, chosen)
    view, faults = _settled(view)
    x, y, unknown = pair_of(outcomes, view)
    return DrawnOutcomes(
        view=view,
        faults=[*faults, *unknown],
        outcomes=outcomes,
        x=x,
        y=y,
        table=correlation_table(outcomes),
        pictures=read_pictures(session, chosen, MEASURES_OF_HEADS[view.heads], view.moment),
    )


def _settled(view: CompareView) -> tuple[CompareView, list[str]]:
    """The view with pictures that there are."""
    faults = []
    if view.heads not in MEASURES_OF_HEADS:
        known = " or ".join(MEASURES_OF_HEADS)
        faults.append(f"Heads have no {view.heads!r}; write {known}.")
        view = replace(view, heads=INDUCTION.id)
    if view.moment not in MOMENTS:
        known = " or ".join(MOMENTS)
        faults.append(f"There is no moment {view.moment!r}; write {known}.")
        view = replace(view, moment=USUAL.moment)
    return view, faults


def read_outcome_figure(
    session: Session, view: CompareView, name: OutcomeFigureName, columns: int
) -> Figure:
    """One figure; `Invalid` if there is nothing like what it is asked to show, `NotFound` if one of
    its runs is not there."""
    drawn = read_drawn(session, choose_all(session, view.runs), view)
    if drawn.faults:
        raise Invalid(drawn.faults[0].removesuffix(INSTEAD))
    return outcome_figures(drawn, columns)[name]


def outcome_figures(drawn: DrawnOutcomes, columns: int) -> dict[str, Figure]:
    """All four, each with its title and what is said of it in `meta`."""
    runs = drawn.runs
    pictures, moment = drawn.pictures, MOMENTS[drawn.view.moment].lower()
    lines = parallel_figure(parallel_quantities(drawn.outcomes), runs)
    return {
        OutcomeFigureName.SCATTER: _headed(
            scatter_figure(drawn.x, drawn.y, runs),
            f"{drawn.y.title} against {_small(drawn.x.title)}",
            drawn.said,
        ),
        OutcomeFigureName.CORRELATIONS: _headed(
            correlation_figure(drawn.table), "Rank correlations", [drawn.table.note]
        ),
        OutcomeFigureName.PARALLEL: _headed(
            lines, "Every run through its settings and outcomes", [PASSING_BELOW]
        ),
        OutcomeFigureName.HEADS: _headed(
            heads_figure(pictures, columns),
            f"{pictures.measure.title} of every head at the {moment}",
            [pictures_said(pictures)],
        ),
    }


def _small(title: str) -> str:
    return f"{title[:1].lower()}{title[1:]}"


def _headed(figure: Figure, title: str, said: Sequence[str]) -> Figure:
    figure["layout"]["meta"] |= {"title": title, "said": [one for one in said if one]}
    return figure
