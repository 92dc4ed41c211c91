"""Settings and outcomes as the API answers them: whole, and as a table with a line a run."""

from collections.abc import Iterator

from app.schemas.api.outcomes import CorrelationRead, OutcomeRunRead, OutcomesRead, QuantityRead
from app.services.csv_text import csv_text
from app.services.outcomes.correlations import Correlation, correlations
from app.services.outcomes.outcomes import Outcomes
from app.services.outcomes.quantities import Quantity

DIGITS = 6  # of a correlation


def outcomes_read(outcomes: Outcomes) -> OutcomesRead:
    """Everything, with the correlations."""
    runs = outcomes.chosen.runs
    return OutcomesRead(
        runs=[OutcomeRunRead(id=one.run.id, name=one.run.name) for one in runs],
        quantities=[_quantity_read(one) for one in outcomes.quantities],
        correlations=[_correlation_read(one) for one in correlations(outcomes.quantities)],
    )


def _quantity_read(one: Quantity) -> QuantityRead:
    return QuantityRead(
        id=one.id,
        title=one.title,
        unit=one.unit,
        kind="setting" if one.is_setting else "outcome",
        values=list(one.values),
        missing=[one.missing.get(place) for place in range(len(one.values))],
    )


def _correlation_read(one: Correlation) -> CorrelationRead:
    rho, low, high = one.rho or (None, None, None)
    return CorrelationRead(
        x=one.x,
        y=one.y,
        runs=one.runs,
        rho=_rounded(rho),
        low=_rounded(low),
        high=_rounded(high),
        tells_little=one.tells_little,
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS)


def outcome_lines(outcomes: Outcomes) -> Iterator[str]:
    """A line a run: its settings and outcomes, and why some are empty."""
    names = [one.id + (f"_{one.unit}" if one.unit == "nats" else "") for one in outcomes.quantities]
    yield csv_text([("run_id", "run", *names, "missing")])
    for place, one in enumerate(outcomes.chosen.runs):
        values = ("" if q.values[place] is None else q.values[place] for q in outcomes.quantities)
        yield csv_text([(one.run.id, one.run.name, *values, _missing(outcomes, place))])


def _missing(outcomes: Outcomes, place: int) -> str:
    """`midpoint: its loss never dropped; end: its loss never dropped`."""
    said = (
        f"{one.id}: {one.missing[place]}" for one in outcomes.quantities if place in one.missing
    )
    return "; ".join(said)
