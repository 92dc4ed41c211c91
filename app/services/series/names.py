"""Names of series: which a run reports, and which of them a request means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement

from app.db import series as rows
from app.errors import Invalid
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, METRICS, Measurement
from app.schemas.series import HEADS, MEASURES

STRENGTHS = tuple(measure.id for measure in HEADS)


@dataclass(frozen=True)
class Series:
    """One number per measurement, by name: `loss.train`, `induction_strength.L1H3`."""

    name: str
    metric: str
    place: tuple[int, ...]

    @property
    def title(self) -> str:
        """The name with its unit, for tables: `loss.train_nats`."""
        unit = MEASURES[self.metric].csv_unit
        return f"{self.name}_{unit}" if unit else self.name

    @property
    def column(self) -> ColumnElement[float]:
        return rows.number_of(self.metric, *self.place)

    @property
    def number(self) -> rows.Number:
        return rows.Number(self.metric, self.place)

    def of(self, measurement: Measurement) -> float:
        number: Any = getattr(measurement, self.metric)
        for index in self.place:
            number = number[index]
        return float(number)


def series_of(config: RunConfig) -> list[Series]:
    """Every series that a run of this config reports."""
    return series_for(config.model.layers, config.model.heads)


@cache
def series_for(layers: int, heads: int) -> list[Series]:
    """Every series of a model of this shape."""
    evaluated = [
        Series(f"{metric}.{evaluator}", metric, (index,))
        for metric in METRICS
        for index, evaluator in enumerate(EVALUATORS)
    ]
    per_head = [
        Series(f"{metric}.L{layer}H{head}", metric, (layer, head))
        for metric in STRENGTHS
        for layer in range(layers)
        for head in range(heads)
    ]
    return evaluated + per_head


def select_series(config: RunConfig, patterns: Sequence[str]) -> list[Series]:
    """The series that the patterns name (`*` stands for anything); `Invalid` if one names none."""
    known = series_of(config)
    chosen: dict[str, Series] = {}
    for pattern in patterns:
        expression = re.escape(pattern).replace(r"\*", ".*")
        found = [series for series in known if re.fullmatch(expression, series.name)]
        if not found:
            raise Invalid(
                f"There is no series {pattern!r}. {_existing(config)}", loc="query/series"
            )
        chosen |= {series.name: series for series in found}
    return list(chosen.values())


def _existing(config: RunConfig) -> str:
    heads = f"L0H0 to L{config.model.layers - 1}H{config.model.heads - 1}"
    return (
        f"There are {', '.join(f'{metric}.*' for metric in METRICS)} for "
        f"{', '.join(EVALUATORS)}; and {', '.join(f'{metric}.*' for metric in STRENGTHS)} "
        f"for {heads}."
    )
