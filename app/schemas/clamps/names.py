"""Names of values, interned: equal names are equal values. The algebra behind `schemas.dataflow`.

A name is a number that stands for an expression. Sums and factors are kept in a normal form, so
that what cancels is seen to cancel.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from math import isclose

Name = int
Terms = Mapping[Name, float]  # a sum: terms and their factors

ZERO: Name = 0  # the empty sum
ONE: Name = 1  # the number 1, or a vector of ones
HIDDEN: Name = 2  # a score that softmax turns into 0
DIGITS = 12  # factors closer than this are equal


class Names:
    """The table of names."""

    def __init__(self) -> None:
        self._ids: dict[Hashable, Name] = {}
        self._varies: list[bool] = []  # by name: whether the value differs between sequences
        self._terms: dict[Name, Terms] = {}  # of sums only
        self._shares: dict[Name, tuple[Name, int, int]] = {}  # row, key, keys that share
        self._made: dict[Name, tuple[Hashable, tuple[Name, ...]]] = {}  # function, arguments
        self._moved: dict[Name, Name] = {}  # a value to that in another sequence
        self._normed: dict[Name, Name] = {}
        self._sum({})
        self.constant("one")
        self.constant("hidden")

    def leaf(self, *what: Hashable) -> Name:
        """Something given, different from sequence to sequence."""
        return self._intern(("leaf", *what), varies=True)

    def constant(self, *what: Hashable) -> Name:
        """Something given, the same for all sequences."""
        return self._intern(("constant", *what), varies=False)

    def of(self, function: Hashable, *arguments: Name) -> Name:
        """A function of values; it varies as they do."""
        varies = any(self._varies[name] for name in arguments)
        name = self._intern((function, *arguments), varies=varies)
        self._made[name] = (function, arguments)
        return name

    def number(self, number: float) -> Name:
        """A known number, or a vector of it."""
        return self._sum({ONE: number})

    def share(self, row: Name, key: int, count: int) -> Name:
        """One of `count` weights of a row that sum to 1."""
        name = self.of(("share", key, count), row)
        self._shares[name] = (row, key, count)
        return name

    def scaled(self, name: Name, factor: float) -> Name:
        """A value times a number. What is hidden stays so."""
        if name == HIDDEN:
            return HIDDEN
        return self._sum({term: factor * by for term, by in self._of_sum(name).items()})

    def sum(self, names: Iterable[Name]) -> Name:
        """Values added."""
        total: dict[Name, float] = {}
        for name in names:
            for term, factor in self._of_sum(name).items():
                total[term] = total.get(term, 0.0) + factor
        return self._sum(total)

    def mapped(self, name: Name, function: Callable[[Name], Name]) -> Name:
        """A linear function of a value, given on its terms."""
        if name not in self._terms:  # most values are one term: this is for speed alone
            return function(name)
        return self.sum(self.scaled(function(t), by) for t, by in self._of_sum(name).items())

    def normed(self, name: Name) -> Name:
        """LayerNorm: it takes off what all features share, and any factor."""
        if name not in self._normed:  # queries, keys and values mostly read the same
            self._normed[name] = self._norm(name)
        return self._normed[name]

    def _norm(self, name: Name) -> Name:
        terms = {term: by for term, by in self._of_sum(name).items() if term != ONE}
        size = sum(map(abs, terms.values())) or 1.0
        return self.of("norm", self._sum({term: by / size for term, by in terms.items()}))

    def dot(self, first: Name, second: Name) -> Name:
        """The inner product of two vectors."""
        return self.mapped(first, lambda a: self.mapped(second, lambda b: self.of("dot", a, b)))

    def softmax(self, scores: Sequence[Name]) -> list[Name]:
        """The weights of a row of scores."""
        seen = [key for key, score in enumerate(scores) if score != HIDDEN]
        if len({scores[key] for key in seen}) == 1:
            even = self.number(1 / len(seen))
            return [even if key in seen else ZERO for key in range(len(scores))]
        row = self.of("softmax", *scores)
        return [
            self.share(row, key, len(seen)) if key in seen else ZERO for key in range(len(scores))
        ]

    def average(self, weights: Sequence[Name], values: Sequence[Name]) -> Name:
        """Values times weights, added; if all are one value and the weights sum to 1, that."""
        used = {value for weight, value in zip(weights, values, strict=True) if weight != ZERO}
        if len(used) == 1 and self._sum_to_one(weights):
            return used.pop()
        pairs = zip(weights, values, strict=True)
        return self.sum(self._weighted(weight, value) for weight, value in pairs)

    def mean(self, name: Name) -> Name:
        """The mean over sequences; what is the same for all stays."""
        return self.mapped(name, self._mean)

    def _mean(self, term: Name) -> Name:
        if not self._varies[term]:
            return term
        if term in self._shares:
            row, key, count = self._shares[term]
            return self.share(self.of("mean", row), key, count)
        return self.of("mean", term)

    def elsewhere(self, name: Name) -> Name:
        """The value in another sequence: the same function of what is given there."""
        if name not in self._moved:  # values are shared: each is followed once
            self._moved[name] = self.mapped(name, self._elsewhere)
        return self._moved[name]

    def _elsewhere(self, term: Name) -> Name:
        if not self._varies[term]:
            return term
        if term in self._shares:
            row, key, count = self._shares[term]
            return self.share(self.elsewhere(row), key, count)
        if term in self._made:
            function, arguments = self._made[term]
            return self.of(function, *map(self.elsewhere, arguments))
        return self.of("elsewhere", term)

    def _weighted(self, weight: Name, value: Name) -> Name:
        def times(a: Name, b: Name) -> Name:
            return b if a == ONE else self.of("weighted", a, b)

        return self.mapped(weight, lambda a: self.mapped(value, lambda b: times(a, b)))

    def _sum_to_one(self, weights: Sequence[Name]) -> bool:
        used = [weight for weight in weights if weight != ZERO]
        shares = [self._shares[weight] for weight in used if weight in self._shares]
        if shares:
            rows = {(row, count) for row, _, count in shares}
            return len(rows) == 1 and len(shares) == len(used) == shares[0][2]
        numbers = [self._of_sum(weight) for weight in used]
        return all(set(terms) == {ONE} for terms in numbers) and isclose(
            sum(terms[ONE] for terms in numbers), 1, abs_tol=1e-9
        )

    def _of_sum(self, name: Name) -> Terms:
        return self._terms.get(name, {name: 1.0})

    def _sum(self, terms: Terms) -> Name:
        kept = {term: round(by, DIGITS) for term, by in terms.items() if round(by, DIGITS)}
        if list(kept.values()) == [1.0]:
            return next(iter(kept))
        varies = any(self._varies[term] for term in kept)
        name = self._intern(("sum", frozenset(kept.items())), varies=varies)
        self._terms[name] = kept
        return name

    def _intern(self, key: Hashable, *, varies: bool) -> Name:
        if key not in self._ids:
            self._ids[key] = len(self._varies)
            self._varies.append(varies)
        return self._ids[key]
