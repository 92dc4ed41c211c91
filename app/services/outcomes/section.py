"""The section of a comparison that lays settings and outcomes against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.schemas.api.limits import MOST_RUNS
from app.schemas.series import HEADS
from app.services.charts.style import Figure
from app.services.compare.comparison import choose
from app.services.compare.view import CompareView
from app.services.outcomes.correlation_table import CorrelationTable
from app.services.outcomes.drawn import outcome_figures, read_drawn
from app.services.outcomes.heads import MOMENTS
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import together
from app.services.outcomes.view import pictures_said

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
    outcome_data: Mapping[str, Figure]


def outcomes_section(session: Session, view: CompareView, columns: int) -> OutcomesSection:
    """The section; what of its address cannot be is said and set to what is usual."""
    drawn = read_drawn(session, choose(session, view.runs[:MOST_RUNS]), view)
    outcomes = drawn.outcomes
    return OutcomesSection(
        view=drawn.view,
        notices=drawn.faults,
        x=drawn.x.id,
        y=drawn.y.id,
        x_choices=_choices(
            [together(len(outcomes.chosen.runs)), *outcomes.settings], outcomes.results
        ),
        y_choices=_choices(outcomes.settings, outcomes.results),
        said=drawn.said,
        table=drawn.table,
        moments=MOMENTS,
        measures={measure.id: measure.title for measure in HEADS},
        pictures_note=pictures_said(drawn.pictures),
        outcome_data=outcome_figures(drawn, columns),
    )


def _choices(settings: Sequence[Quantity], results: Sequence[Quantity]) -> Choices:
    families = {"Settings": settings, "Outcomes": results}
    return {
        family: {one.id: one.title for one in found} for family, found in families.items() if found
    }
