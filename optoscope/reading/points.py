"""What a run measures, one point at a time, as `follow` gives it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from optoscope.reading.answers import EVALUATORS
from optoscope.wire.connection import Json

_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_BESIDES = {"sequences", "elapsed_seconds", "computed_at", "sent_at", "nonfinite"}


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """What a run measured at one place: `point["loss.train"]`, `point["induction_strength.L1H3"]`.

    `sequences`: that training had seen; `elapsed_seconds`: of training, over all attempts;
    `computed_at`: when the numbers left the model, UTC. `numbers`: every series by its name;
    losses in nats, all others shares and strengths without a unit.
    """

    run_id: str
    sequences: int
    elapsed_seconds: float
    computed_at: datetime
    numbers: dict[str, float] = field(repr=False)

    def __getitem__(self, series: str) -> float:
        return self.numbers[series]

    @property
    def loss(self) -> float:
        """Of the training classes, nats."""
        return self.numbers["loss.train"]


def point_from(run_id: str, said: Json) -> MeasuredPoint:
    """A measurement as an event says it; what is not finite is null there, and named beside it."""
    odd = {one["series"]: _NUMBERS[one["value"]] for one in said["nonfinite"]}
    numbers = {name: _number(value) for name, value in _series(said)} | odd
    computed_at = datetime.fromisoformat(said["computed_at"])
    elapsed = _number(said["elapsed_seconds"])
    return MeasuredPoint(run_id, said["sequences"], elapsed, computed_at, numbers)


def _series(said: Json) -> Iterator[tuple[str, float | None]]:
    for metric, values in said.items():
        if metric not in _BESIDES:
            yield from _named(metric, values)


def _named(metric: str, values: Json) -> Iterator[tuple[str, float | None]]:
    if values and isinstance(values[0], list):  # of heads: [layer][head]
        for layer, heads in enumerate(values):
            yield from ((f"{metric}.L{layer}H{head}", one) for head, one in enumerate(heads))
    else:
        yield from ((f"{metric}.{name}", one) for name, one in zip(EVALUATORS, values, strict=True))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def restored(said: Json) -> Json:
    """A line of JSON Lines with what is not finite put back: `nonfinite` says what it was."""
    odd = said.pop("nonfinite", {})
    return said | {name: _NUMBERS[kind] for name, kind in odd.items()}
