"""The section of a comparison that lays settings and outcomes against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.schemas.api.limits import MOST_RUNS
from app.schemas.series import HEADS, INDUCTION
from app.services.colours import distinct_colours
from app.services.compare.comparison import Chosen, choose
from app.services.compare.view import USUAL, CompareView
from app.services.outcomes.correlation_table import CorrelationTable, correlation_table
from app.services.outcomes.heads import (
    MEASURES_OF_HEADS,
    MOMENTS,
    heads_figure,
    read_pictures,
)
from app.services.outcomes.outcomes import read_outcomes
from app.services.outcomes.parallel import parallel_figure, parallel_quantities
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import DrawnRun, scatter_figure, together
from app.services.outcomes.view import pair_of, pair_said, pictures_said

Choices = Mapping[str, Mapping[str, str]]  # titles by id, in families


@dataclass(frozen=True)
class OutcomesSection:
    """Context of `compare/outcomes.html`."""

    view: CompareView
    notices: Sequence[str]
    x: str
    y: str
    x_choices: Choices
    y_choices: Choices
    said: Sequence[str]
    table: CorrelationTable
    moments: Mapping[str, str]
    measures: Mapping[str, str]
    pictures_note: str
    outcome_data: Mapping[str, Any]


def outcomes_section(session: Session, view: CompareView, columns: int) -> OutcomesSection:
    """The section; what of its address cannot be is said and set to what is usual."""
    chosen = choose(session, view.runs[:MOST_RUNS])
    outcomes = read_outcomes(session, chosen)
    view, faults = _settled(view)
    x, y, unknown = pair_of(outcomes, view)
    pictures = read_pictures(session, chosen, MEASURES_OF_HEADS[view.heads], view.moment)
    runs = _drawn(chosen)
    return OutcomesSection(
        view=view,
        notices=[*faults, *unknown],
        x=x.id,
        y=y.id,
        x_choices=_choices([together(len(runs)), *outcomes.settings], outcomes.results),
        y_choices=_choices(outcomes.settings, outcomes.results),
        said=list(pair_said(chosen, x, y)),
        table=correlation_table(outcomes),
        moments=MOMENTS,
        measures={measure.id: measure.title for measure in HEADS},
        pictures_note=pictures_said(pictures),
        outcome_data={
            "scatter": scatter_figure(x, y, runs),
            "parallel": parallel_figure(parallel_quantities(outcomes), runs),
            "heads": heads_figure(pictures, columns),
        },
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


def _drawn(chosen: Chosen) -> list[DrawnRun]:
    hues = distinct_colours((one.run.id, one.run.colour) for one in chosen.runs)
    return [DrawnRun(one.run.id, one.run.name, hues[one.run.id]) for one in chosen.runs]


def _choices(settings: Sequence[Quantity], results: Sequence[Quantity]) -> Choices:
    families = {"Settings": settings, "Outcomes": results}
    return {
        family: {one.id: one.title for one in found} for family, found in families.items() if found
    }
