"""The table of rank correlations as the page shows it: a cell a pair, and what to make of many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.services.outcomes.correlations import ENOUGH, Correlation, correlations
from app.services.outcomes.outcomes import Outcomes
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.view import correlation_said
from app.services.wording import fixed


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
class CorrelationTable:
    """Settings, then outcomes, each against the outcomes after it."""

    columns: Sequence[str]
    rows: Sequence[CorrelationRow]
    note: str


def correlation_table(outcomes: Outcomes) -> CorrelationTable:
    """The table of those numbers that any run has."""
    told = [one for one in outcomes.quantities if one.is_number and one.known]
    # The first has nothing before it.
    columns = [one for one in told[1:] if not one.is_setting]
    found = list(correlations(told))
    return CorrelationTable(
        columns=[one.title for one in columns],
        rows=list(_rows(told, columns, found)),
        note=" ".join(_notes(outcomes, found)),
    )


def _rows(
    told: Sequence[Quantity], columns: Sequence[Quantity], found: Sequence[Correlation]
) -> Iterator[CorrelationRow]:
    by_pair = {(one.x, one.y): one for one in found}
    titles = {one.id: one.title for one in told}
    for one in told:
        pairs = [by_pair.get((one.id, other.id)) for other in columns]
        cells = [None if pair is None else _cell(pair, titles) for pair in pairs]
        if any(cells):
            yield CorrelationRow(one.title, one.is_setting, cells)


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


def _notes(outcomes: Outcomes, found: Sequence[Correlation]) -> Iterator[str]:
    """What to make of so many pairs, and what is not among them."""
    known = [one for one in found if one.rho is not None]
    if many := sum(not one.tells_little for one in known):
        yield "Bold: the 95 % interval leaves out 0. By chance about one pair in twenty does;"
        yield f"these are {many} pairs."
    if len(known) > many:
        yield f"Pale and in italics: fewer than {ENOUGH} runs, which tell little."
    words = [one.title.lower() for one in outcomes.settings if not one.is_number]
    if words and found:
        yield f"Without an order, and so not in it: {', '.join(words)}."
    empty = [one.title.lower() for one in outcomes.results if not one.known]
    if empty:
        yield f"No run has: {', '.join(empty)}."
