"""The section of a comparison that lays settings and outcomes against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.schemas.api.limits import MOST_RUNS
from app.schemas.series import HEADS, INDUCTION
from app.schemas.state import TERMINAL
from app.services.colours import distinct_colours
from app.services.compare.comparison import Chosen, choose
from app.services.compare.view import USUAL, CompareView
from app.services.outcomes.correlations import ENOUGH, Correlation, correlate, correlations
from app.services.outcomes.heads import (
    MEASURES_OF_HEADS,
    MOMENTS,
    heads_figure,
    read_pictures,
)
from app.services.outcomes.outcomes import Outcomes, read_outcomes
from app.services.outcomes.parallel import parallel_figure, parallel_quantities
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import DrawnRun, scatter_figure, together
from app.services.outcomes.view import correlation_said, missing_said, pair_of, pictures_said
from app.services.wording import fixed

Choices = Mapping[str, Mapping[str, str]]  # titles by id, in families


@dataclass(frozen=True)
class CorrelationCell:
    """A pair in the table; a click shows it as dots."""

    x: str
    y: str
    title: str
    text: str
    runs: int
    said: str
    share: int  # per cent of the colour
    is_negative: bool
    is_little: bool
    is_told_apart: bool


@dataclass(frozen=True)
class CorrelationRow:
    """What one quantity goes with; None where the pair stands elsewhere."""

    title: str
    is_setting: bool
    cells: Sequence[CorrelationCell | None]


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
    columns: Sequence[str]
    rows: Sequence[CorrelationRow]
    table_note: str
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
    runs = _drawn(chosen)
    names = [one.name for one in runs]
    pictures = read_pictures(session, chosen, MEASURES_OF_HEADS[view.heads], view.moment)
    found = list(correlations(_told(outcomes)))
    said = [correlation_said(correlate(x, y))] if x.is_number and y.is_number else []
    return OutcomesSection(
        view=view,
        notices=[*faults, *unknown],
        x=x.id,
        y=y.id,
        x_choices=_choices([together(len(runs)), *outcomes.settings], outcomes.results),
        y_choices=_choices(outcomes.settings, outcomes.results),
        said=[
            *said,
            *_going_said(chosen),
            *filter(None, (missing_said(one, names) for one in {x.id: x, y.id: y}.values())),
        ],
        columns=[one.title for one in _columns(outcomes)],
        rows=_rows(outcomes, found),
        table_note=_table_note(outcomes, found),
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


def _going_said(chosen: Chosen) -> list[str]:
    """That some runs have not come to their end."""
    going = sum(one.run.state not in TERMINAL for one in chosen.runs)
    if not going:
        return []
    have = "has" if going == 1 else "have"
    return [f"{going} of {len(chosen.runs)} runs {have} not ended: what counts is the last so far."]


def _choices(settings: Sequence[Quantity], results: Sequence[Quantity]) -> Choices:
    families = {"Settings": settings, "Outcomes": results}
    return {
        family: {one.id: one.title for one in found} for family, found in families.items() if found
    }


def _told(outcomes: Outcomes) -> list[Quantity]:
    """What the table is of: numbers that any run has."""
    return [one for one in outcomes.quantities if one.is_number and one.known]


def _columns(outcomes: Outcomes) -> list[Quantity]:
    return [one for one in _told(outcomes) if not one.is_setting]


def _rows(outcomes: Outcomes, found: Sequence[Correlation]) -> list[CorrelationRow]:
    """Settings, then outcomes against those after them."""
    by_pair = {(one.x, one.y): one for one in found}
    titles = {one.id: one.title for one in outcomes.quantities}
    columns = _columns(outcomes)
    rows = []
    for one in _told(outcomes):
        pairs = [by_pair.get((one.id, other.id)) for other in columns]
        cells = [None if pair is None else _cell(pair, titles) for pair in pairs]
        if any(cells):
            rows.append(CorrelationRow(one.title, one.is_setting, cells))
    return rows


def _cell(one: Correlation, titles: Mapping[str, str]) -> CorrelationCell:
    rho = one.rho.value if one.rho else 0.0
    title = f"{titles[one.x]}, {titles[one.y]}"
    return CorrelationCell(
        x=one.x,
        y=one.y,
        title=title,
        text=fixed(one.rho.value, 2) if one.rho else "–",
        runs=one.runs,
        said=f"{title}: {correlation_said(one)}",
        share=round(100 * abs(rho)),
        is_negative=rho < 0,
        is_little=one.tells_little,
        is_told_apart=one.is_told_apart and not one.tells_little,
    )


def _table_note(outcomes: Outcomes, found: Sequence[Correlation]) -> str:
    """What to make of so many pairs, and which outcomes nothing is known of."""
    known = [one for one in found if one.rho is not None]
    bold = sum(not one.tells_little for one in known)
    said = ""
    if bold:
        said = (
            "Bold: the 95 % interval leaves out 0. By chance about one pair in twenty does; "
            f"these are {bold} pairs. "
        )
    if any(one.tells_little for one in known):
        said += f"Pale and in italics: fewer than {ENOUGH} runs, which tell little. "
    words = [one.title.lower() for one in outcomes.settings if not one.is_number]
    if words and said:
        said += f"Without an order, and so not in it: {', '.join(words)}. "
    empty = [one.title.lower() for one in outcomes.results if not one.known]
    if empty:
        said += f"No run has: {', '.join(empty)}."
    return said.strip()
