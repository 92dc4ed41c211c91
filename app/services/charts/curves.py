"""Curves of many runs: which numbers can be drawn, in which groups, at how many points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from app.db.series import Curve, number_of, strongest
from app.db.studies import FigureRun
from app.errors import Invalid
from app.schemas.api.studies import AxisRead
from app.schemas.measure import EVALUATORS, METRICS, Metric
from app.schemas.series import HEADS, MEASURES
from app.schemas.studies.request import RUN
from app.services.colours import distinct_colours
from app.services.series.thinning import thin

EACH, ALL = "each", "all"
MOST_POINTS, FEWEST_POINTS = 12_000, 60  # of all runs together, of one


@dataclass(frozen=True)
class DrawnNumber:
    """A number that curves show."""

    id: str
    title: str
    unit: str  # as an axis says it
    number_unit: str  # as a number says it; nothing for shares and strengths

    @property
    def is_loss(self) -> bool:
        return self.id.startswith(f"{Metric.LOSS}.")


@dataclass(frozen=True)
class StudyMetric(DrawnNumber):
    """One that every run reports, whatever its model."""

    column: ColumnElement[float]


@dataclass(frozen=True)
class RunGroup:
    """Runs that are drawn in one colour."""

    label: str
    runs: Sequence[FigureRun]
    hue: str | None = None  # of a run by itself: its own


def _metrics() -> list[StudyMetric]:
    evaluated = [
        StudyMetric(
            id=f"{metric}.{evaluator}",
            title=f"{metric.replace('_', ' ')}, {evaluator.replace('_', ' ')}".capitalize(),
            unit="loss (nats)" if metric == Metric.LOSS else metric.replace("_", " "),
            number_unit=MEASURES[metric].csv_unit,
            column=number_of(metric, index),
        )
        for metric in METRICS
        for index, evaluator in enumerate(EVALUATORS)
    ]
    strengths = [
        StudyMetric(
            id=f"strongest_{measure.kind}",
            title=f"Strongest {measure.word} head",
            unit=measure.axis,
            number_unit=measure.csv_unit,
            column=strongest(measure.id),
        )
        for measure in HEADS
    ]
    return evaluated + strengths


STUDY_METRICS = {metric.id: metric for metric in _metrics()}


def metric_or_error(name: str) -> StudyMetric:
    """The metric called so, or `Invalid`."""
    if name not in STUDY_METRICS:
        known = ", ".join(STUDY_METRICS)
        raise Invalid(f"There is no metric {name!r}; there are {known}.", loc="query/metric")
    return STUDY_METRICS[name]


def groupings(axes: Sequence[AxisRead]) -> dict[str, str]:
    """How the runs of a study can be grouped, with a title each."""
    by_axis = {axis.field: f"By {axis.title.lower()}" for axis in _varying(axes)}
    return {EACH: "Every run apart", ALL: "All runs together", **by_axis}


def _varying(axes: Sequence[AxisRead]) -> list[AxisRead]:
    """What runs can be grouped by; runs given one by one are apart anyway."""
    found = [axis for axis in axes if len(axis.labels) > 1]
    return [] if [axis.field for axis in found] == [RUN] else found


def usual_grouping(axes: Sequence[AxisRead]) -> str:
    """By what is not chance: the first axis that is no seed; seeds alone are one group."""
    varying = [axis.field for axis in _varying(axes)]
    asked = [field for field in varying if not field.startswith("seeds.")]
    if asked:
        return asked[0]
    return ALL if varying else EACH


def group_runs(axes: Sequence[AxisRead], runs: Sequence[FigureRun], by: str) -> list[RunGroup]:
    """The runs in groups, in the order of the axis. `Invalid` if there is no such axis."""
    if by not in groupings(axes):
        known = ", ".join(groupings(axes))
        raise Invalid(f"Runs cannot be grouped by {by!r}; there are {known}.", loc="query/group")
    if by == EACH:
        hues = distinct_colours((run.run_id, run.colour) for run in runs)
        return [RunGroup(run.name, [run], hues[run.run_id]) for run in runs]
    if by == ALL:
        return [RunGroup("all runs", runs)]
    [labels] = [axis.labels for axis in axes if axis.field == by]
    groups = [RunGroup(label, [run for run in runs if run.values[by] == label]) for label in labels]
    return [group for group in groups if group.runs]  # runs may have been deleted since


def thinned(curve: Curve, runs: int) -> tuple[list[int], list[float]]:
    """A curve for a chart that shows so many."""
    most = max(FEWEST_POINTS, MOST_POINTS // max(1, runs))
    kept, _ = thin(curve.sequences, [curve.numbers], most)
    return [curve.sequences[i] for i in kept], [curve.numbers[i] for i in kept]


def ends(curve: Curve) -> tuple[float, ...]:
    """The smallest and the largest finite number of a curve, if it has any."""
    _, numbers = finite_part(curve)
    return (min(numbers), max(numbers)) if numbers else ()


def finite_part(curve: Curve) -> tuple[Sequence[int], Sequence[float]]:
    """The curve without what is not finite; mostly that is all of it."""
    if math.isfinite(sum(curve.numbers)):
        return curve.sequences, curve.numbers
    known = [i for i, number in enumerate(curve.numbers) if math.isfinite(number)]
    return [curve.sequences[i] for i in known], [curve.numbers[i] for i in known]
