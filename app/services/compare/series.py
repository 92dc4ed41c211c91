"""What can be compared: the numbers of evaluators, and strengths of heads.

A head is named by its number (`induction_strength.L1H3`), by its rank at the end of each run
(`induction_strength.L1R2`: the second strongest of layer 1), or is whichever is strongest at every
moment (`strongest_induction`, of all layers; `strongest_induction.L1`). Ranks match heads across
runs, in which the same circuit may form in heads of other numbers.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.db import series as rows
from app.db.models import Run
from app.db.series import number_of
from app.errors import Invalid
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, METRICS
from app.schemas.series import HEADS, HEADS_BY_KIND, HeadMeasure
from app.schemas.words import head_name, layer_name
from app.services.charts.curves import STUDY_METRICS, DrawnNumber
from app.services.runs.run_read import is_clamped_at, phase_change_of
from app.services.wording import phase_marks

_BY_ID = {measure.id: measure for measure in HEADS}
_IDS, _KINDS = "|".join(_BY_ID), "|".join(HEADS_BY_KIND)
_NAMED = re.compile(rf"({_IDS})\.L([0-9]{{1,4}})([HR])([0-9]{{1,4}})")
_STRONGEST = re.compile(rf"strongest_({_KINDS})(?:\.L([0-9]{{1,4}}))?")
_EVALUATED, _AT_EVERY_MOMENT = "Evaluators", "Strongest head at every moment"
_BY_RANK, _BY_NUMBER = "Heads matched by strength at the end", "Heads by number"


@dataclass(frozen=True)
class ComparedRun:
    """A run with its config, read once."""

    run: Run
    config: RunConfig

    @property
    def layers(self) -> int:
        return self.config.model.layers

    @property
    def heads(self) -> int:
        return self.config.model.heads

    @property
    def phase_marks(self) -> str:
        """What is to be known of the midpoint of its phase change, as the list of runs says it."""
        is_clamped = is_clamped_at(self.config, self.run.midpoint)
        return phase_marks(phase_change_of(self.run), is_clamped=is_clamped)


@dataclass(frozen=True)
class NumberPlace:
    """Where a measurement has the number; None: the largest of all."""

    metric: str
    evaluator: int | None = None
    layer: int | None = None
    head: int | None = None

    @property
    def column(self) -> ColumnElement[float]:
        if self.evaluator is not None:
            return number_of(self.metric, self.evaluator)
        if self.layer is not None and self.head is not None:
            return rows.number_of(self.metric, self.layer, self.head)
        return rows.strongest(self.metric, self.layer)

    @property
    def pick(self) -> dict[str, Any]:
        """The same for a page, which finds the number in what comes live."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class CompareSeries(DrawnNumber):
    """One number that may be drawn of every run."""

    place: NumberPlace
    family: str
    rank: int | None = None  # 1: the strongest of the place's layer at the end

    @property
    def is_strength(self) -> bool:
        return self.place.evaluator is None


@dataclass(frozen=True)
class Located:
    """Where the number is in each run, and why it is in none of others."""

    places: Mapping[str, NumberPlace]
    missing: Mapping[str, str]


def series_or_error(name: str) -> CompareSeries:
    """The series called so, in a model of any shape, or `Invalid`."""
    if name in STUDY_METRICS and "." in name:
        metric, evaluator = name.split(".")
        return _evaluated(metric, [str(one) for one in EVALUATORS].index(evaluator))
    if match := _STRONGEST.fullmatch(name):
        return _strongest(HEADS_BY_KIND[match[1]], None if match[2] is None else int(match[2]))
    if match := _NAMED.fullmatch(name):
        number = int(match[4])
        if match[3] == "R" and number == 0:
            raise Invalid("Ranks start at 1: R1 is the strongest head.", loc="query/series")
        named = _by_rank if match[3] == "R" else _by_number
        return named(_BY_ID[match[1]], int(match[2]), number)
    raise Invalid(
        f"There is no series {name!r}; write for instance loss.train, strongest_induction.L1, "
        "induction_strength.L1H3 (a head), or induction_strength.L1R2 (2nd strongest of layer 1).",
        loc="query/series",
    )


def choices(runs: Sequence[ComparedRun]) -> dict[str, dict[str, str]]:
    """Titles of all series that any of the runs has, by family and name."""
    layers = max((run.layers for run in runs), default=2)
    heads = max((run.heads for run in runs), default=8)
    found: dict[str, dict[str, str]] = {}
    for series in _all(layers, heads):
        found.setdefault(series.family, {})[series.id] = series.title
    return found


def _all(layers: int, heads: int) -> Iterator[CompareSeries]:
    for metric in METRICS:
        for index in range(len(EVALUATORS)):
            yield _evaluated(metric, index)
    for measure in HEADS:
        yield from (_strongest(measure, layer) for layer in (None, *range(layers)))
    for make, first in ((_by_rank, 1), (_by_number, 0)):
        for measure in HEADS:
            for layer in range(layers):
                yield from (make(measure, layer, head + first) for head in range(heads))


def _evaluated(metric: str, index: int) -> CompareSeries:
    known = STUDY_METRICS[f"{metric}.{EVALUATORS[index]}"]
    place = NumberPlace(metric, evaluator=index)
    return CompareSeries(known.id, known.title, known.unit, known.number_unit, place, _EVALUATED)


def _strongest(measure: HeadMeasure, layer: int | None) -> CompareSeries:
    name = f"strongest_{measure.kind}" + ("" if layer is None else f".L{layer}")
    of = "" if layer is None else f", {layer_name(layer).lower()}"
    place = NumberPlace(measure.id, layer=layer)
    title = f"Strongest {measure.word} head{of}"
    return CompareSeries(name, title, measure.axis, measure.csv_unit, place, _AT_EVERY_MOMENT)


def _by_rank(measure: HeadMeasure, layer: int, rank: int) -> CompareSeries:
    name = f"{measure.id}.L{layer}R{rank}"
    title = f"{_ordinal(rank)} {measure.word} head, {layer_name(layer).lower()}"
    place = NumberPlace(measure.id, layer=layer)
    return CompareSeries(name, title, measure.axis, measure.csv_unit, place, _BY_RANK, rank)


def _by_number(measure: HeadMeasure, layer: int, head: int) -> CompareSeries:
    name = f"{measure.id}.L{layer}H{head}"
    title = f"{measure.title}: {head_name(layer, head).lower()}"
    place = NumberPlace(measure.id, layer=layer, head=head)
    return CompareSeries(name, title, measure.axis, measure.csv_unit, place, _BY_NUMBER)


def _ordinal(rank: int) -> str:
    if rank == 1:
        return "Strongest"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank % 10 if rank % 100 not in (11, 12, 13) else 0)
    return f"{rank}{ending or 'th'} strongest"


def locate(session: Session, series: CompareSeries, runs: Sequence[ComparedRun]) -> Located:
    """Where the series is in each of the runs."""
    places: dict[str, NumberPlace] = {}
    missing: dict[str, str] = {}
    last = {}
    if series.rank is not None:
        ids = [one.run.id for one in runs]
        last = rows.last_strengths(session, ids, series.place.metric)
    for one in runs:
        if reason := _absent(series, one):
            missing[one.run.id] = reason
        elif series.rank is None:
            places[one.run.id] = series.place
        elif one.run.id in last:
            head = ranked(last[one.run.id][series.place.layer or 0])[series.rank - 1]
            places[one.run.id] = replace(series.place, head=head)
    return Located(places, missing)


def _absent(series: CompareSeries, one: ComparedRun) -> str:
    """Why a run has no such number; nothing if it has."""
    layer, head = series.place.layer, series.place.head
    if layer is not None and layer >= one.layers:
        return f"has only {one.layers} layer{'s' if one.layers > 1 else ''}"
    wanted = series.rank if series.rank is not None else (head or 0) + 1
    if wanted > one.heads:
        return f"has only {one.heads} head{'s' if one.heads > 1 else ''} a layer"
    return ""


def ranked(strengths: Sequence[float]) -> list[int]:
    """Heads from the strongest on; of equals the lower number first, what is NaN last."""

    def key(head: int) -> tuple[float, int]:
        strength = strengths[head]
        return (math.inf if math.isnan(strength) else -strength, head)

    return sorted(range(len(strengths)), key=key)
