"""What runs are given and what they come to, as columns: a value a run, or the reason for none."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from app.services.compare.differences import Difference
from app.services.compare.series import ComparedRun

Value = float | str | None
DECADES = 100  # a loss that spans as much is read on a log scale


@dataclass(frozen=True)
class Quantity:
    """A setting or an outcome: a value for every run, in the order of the comparison."""

    id: str
    title: str
    unit: str  # nothing for shares, and for what is said in words
    is_setting: bool
    values: Sequence[Value]
    missing: Mapping[int, str] = field(default_factory=dict)  # by the run's place: why it has none
    order: Sequence[str] = ()  # of values in words: each once

    @property
    def is_number(self) -> bool:
        return not self.order

    @property
    def numbers(self) -> list[float | None]:
        """The values as numbers; of what is in words where each has its place in the order."""
        if self.is_number:
            return [None if one is None else float(one) for one in self.values]
        places = {text: float(place) for place, text in enumerate(self.order)}
        return [None if one is None else places[str(one)] for one in self.values]

    @property
    def known(self) -> list[float]:
        """The numbers of those runs that have one."""
        return [number for number in self.numbers if number is not None]

    @property
    def is_log(self) -> bool:
        """Whether a log axis spreads the numbers more evenly than a plain one."""
        distinct = sorted(set(self.known)) if self.is_number else []
        if len(distinct) < 3 or distinct[0] <= 0:
            return False
        if not self.is_setting:
            return self.unit == "nats" and distinct[-1] >= DECADES * distinct[0]
        return _unevenness([math.log(one) for one in distinct]) < _unevenness(distinct)

    @property
    def axis_title(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit}{', log scale' if self.is_log else ''}"


def _unevenness(numbers: Sequence[float]) -> float:
    """The widest step over the narrowest; rounded, so that equal steps are equal."""
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    return round(max(steps) / min(steps), 6)


def setting_of(one: Difference) -> Quantity:
    """A field in which configs differ. A seed is a name, not an amount."""
    if one.numbers is not None and not one.is_seed:
        return Quantity(one.field, one.title, one.unit, is_setting=True, values=one.numbers)
    return Quantity(
        one.field, one.title, one.unit, is_setting=True, values=one.labels, order=one.order
    )


@dataclass(frozen=True)
class OutcomeFound:
    """What a run came to in one respect, or why that is not known."""

    value: Value = None
    reason: str = ""


def outcome(
    name: str,
    title: str,
    unit: str,
    runs: Sequence[ComparedRun],
    look: Callable[[ComparedRun], OutcomeFound],
) -> Quantity:
    """One outcome of every run."""
    found = [look(one) for one in runs]
    texts = {one.value for one in found if isinstance(one.value, str)}
    return Quantity(
        id=name,
        title=title,
        unit=unit,
        is_setting=False,
        values=[one.value for one in found],
        missing={place: one.reason for place, one in enumerate(found) if one.value is None},
        order=sorted(texts, key=lambda text: (len(text), text)),
    )
