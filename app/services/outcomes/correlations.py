"""How settings and outcomes go together: Spearman's rank correlation of every pair of numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.schemas.paper.compared import Interval, correlation
from app.services.outcomes.quantities import Quantity

FEWEST, ENOUGH = 4, 10  # runs: an interval needs four, fewer than ten tell little


@dataclass(frozen=True)
class Correlation:
    """Of two quantities, over the runs that have both; `rho`: None where there can be none."""

    x: str
    y: str
    runs: int
    rho: Interval | None

    @property
    def tells_little(self) -> bool:
        return self.runs < ENOUGH

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.rho is not None and (self.rho.low > 0 or self.rho.high < 0)


def ranks(numbers: Sequence[float]) -> list[float]:
    """Ranks from 1 on; of equal numbers each has the mean of the ranks that they take up."""
    order = sorted(numbers)
    return [(bisect_left(order, one) + bisect_right(order, one) + 1) / 2 for one in numbers]


def spearman(x: Sequence[float], y: Sequence[float]) -> Interval | None:
    """Pearson's r of the ranks with its interval by Fisher's z; None of fewer than four pairs, or
    if all numbers of one are equal."""
    if len(x) < FEWEST or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return correlation(ranks(x), ranks(y))


def correlate(x: Quantity, y: Quantity) -> Correlation:
    """Over the runs that have both."""
    pairs = [
        (a, b) for a, b in zip(x.numbers, y.numbers, strict=True) if a is not None and b is not None
    ]
    return Correlation(
        x.id, y.id, len(pairs), spearman([a for a, _ in pairs], [b for _, b in pairs])
    )


def correlations(quantities: Sequence[Quantity]) -> Iterator[Correlation]:
    """Every number that is set, and every outcome, with every outcome after it. What is said in
    words has no ranks."""
    numbers = [one for one in quantities if one.is_number]
    for place, one in enumerate(numbers):
        for other in numbers[place + 1 :]:
            if not other.is_setting:
                yield correlate(one, other)
