"""What the runs of a comparison came to: when their loss dropped, how far, and by which heads."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from app.db import series as rows
from app.db.models import MeasurementRow
from app.schemas.measure import EVALUATORS
from app.schemas.series import HEADS, MEASURES, HeadMeasure
from app.schemas.state import TERMINAL
from app.services.charts.curves import STUDY_METRICS
from app.services.compare.comparison import Chosen, no_midpoint
from app.services.compare.series import ComparedRun
from app.services.outcomes.quantities import OutcomeFound, Quantity, outcome, setting_of

PLACES = {"onset": "Onset", "midpoint": "Midpoint", "end": "End"}
LENGTH = "length"
UNMEASURED, NOT_A_NUMBER = "has not been measured", "it is no finite number there"
SEQUENCES = "sequences"


@dataclass(frozen=True)
class Outcomes:
    """Settings and outcomes of the chosen runs."""

    chosen: Chosen
    quantities: Sequence[Quantity]

    @property
    def settings(self) -> list[Quantity]:
        return [one for one in self.quantities if one.is_setting]

    @property
    def results(self) -> list[Quantity]:
        return [one for one in self.quantities if not one.is_setting]

    def named(self, name: str) -> Quantity | None:
        """The quantity called so, if there is one."""
        return next((one for one in self.quantities if one.id == name), None)


def read_outcomes(session: Session, chosen: Chosen) -> Outcomes:
    """The settings in which the runs differ, and what each came to.

    Four statements, however many runs: of measurements only the last of each run is read, and of
    all others the least losses, which Postgres finds.
    """
    last = rows.measured_at(session, rows.last_places(session, chosen.ids))
    least = rows.least_losses(session, chosen.ids)
    return Outcomes(
        chosen,
        [
            *(setting_of(one) for one in chosen.differences.fields),
            *_phase_changes(chosen.runs),
            *_final_losses(chosen.runs, last),
            *_least_losses(chosen.runs, least),
            *(part for measure in HEADS for part in _strongest(chosen.runs, last, measure)),
        ],
    )


def _phase_changes(runs: Sequence[ComparedRun]) -> Iterator[Quantity]:
    for name, title in PLACES.items():
        yield outcome(name, title, SEQUENCES, runs, partial(_place, name))
    yield outcome(LENGTH, "Length of the drop", SEQUENCES, runs, _length)


def _place(name: str, one: ComparedRun) -> OutcomeFound:
    place: float | None = getattr(one.run, name)
    return OutcomeFound(reason=no_place(one, name)) if place is None else OutcomeFound(place)


def _length(one: ComparedRun) -> OutcomeFound:
    onset, end = one.run.onset, one.run.end
    if onset is None or end is None:
        return OutcomeFound(reason=no_place(one, "onset" if onset is None else "end"))
    return OutcomeFound(end - onset)


def no_place(one: ComparedRun, name: str) -> str:
    """Why a run has no such place of the phase change."""
    if name != "end" or one.run.midpoint is None:
        return no_midpoint(one)
    has_ended = one.run.state in TERMINAL
    return "the drop of its loss never ended" if has_ended else "its loss is still dropping"


def _final_losses(
    runs: Sequence[ComparedRun], last: Mapping[str, MeasurementRow]
) -> Iterator[Quantity]:
    losses = {run_id: row.loss for run_id, row in last.items()}
    yield from _losses("final", runs, losses)


def _least_losses(
    runs: Sequence[ComparedRun], least: Mapping[str, Sequence[float]]
) -> Iterator[Quantity]:
    yield from _losses("least", runs, least)


def _losses(
    what: str, runs: Sequence[ComparedRun], losses: Mapping[str, Sequence[float]]
) -> Iterator[Quantity]:
    """The loss on every evaluator's sequences."""
    for index, evaluator in enumerate(EVALUATORS):
        known = STUDY_METRICS[f"loss.{evaluator}"]

        title = f"{what.capitalize()} {known.title.lower()}"
        look = partial(_loss, losses, index)
        yield outcome(f"{what}_{known.id}", title, MEASURES["loss"].csv_unit, runs, look)


def _loss(losses: Mapping[str, Sequence[float]], index: int, one: ComparedRun) -> OutcomeFound:
    return _finite(losses[one.run.id][index]) if one.run.id in losses else _NOTHING


_NOTHING = OutcomeFound(reason=UNMEASURED)


def _finite(number: float) -> OutcomeFound:
    return OutcomeFound(number) if math.isfinite(number) else OutcomeFound(reason=NOT_A_NUMBER)


def _strongest(
    runs: Sequence[ComparedRun], last: Mapping[str, MeasurementRow], measure: HeadMeasure
) -> Iterator[Quantity]:
    """The largest strength at the end, and which head has it."""
    found = {run_id: _head(getattr(row, measure.id)) for run_id, row in last.items()}

    def strength(one: ComparedRun) -> OutcomeFound:
        return _finite(found[one.run.id][0]) if one.run.id in found else _NOTHING

    def head(one: ComparedRun) -> OutcomeFound:
        known = strength(one).value is not None
        return (
            OutcomeFound(found[one.run.id][1])
            if known
            else OutcomeFound(reason=strength(one).reason)
        )

    name, title = f"strongest_{measure.kind}", f"{measure.word.capitalize()} strength, strongest"
    yield outcome(name, title, "", runs, strength)
    yield outcome(f"{name}_head", f"Strongest {measure.word} head", "", runs, head)


def _head(strengths: Sequence[Sequence[float]]) -> tuple[float, str]:
    """The largest finite strength and its head; of equals the first."""
    every = (
        (number, f"L{layer}H{head}")
        for layer, numbers in enumerate(strengths)
        for head, number in enumerate(numbers)
        if math.isfinite(number)
    )
    return max(every, key=lambda one: one[0], default=(math.nan, ""))
