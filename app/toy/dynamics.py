"""Gradient descent on three vectors whose outer product has to equal another one.

Loss: L = 1/2 mean over ijk of (a*_i b*_j c*_k - a_i b_j c_k)^2, with n = dimension

    L = (|a*|^2 |b*|^2 |c*|^2 - 2 (a.a*) (b.b*) (c.c*) + |a|^2 |b|^2 |c|^2) / (2 n^3)
    dL/da = (|b|^2 |c|^2 a - (b.b*) (c.c*) a*) / n^3

and so for b and c. An update adds multiples of a and a* to a: each vector stays in the plane of its
true and its initial one, and two numbers say where. So the cost of an update does not grow with the
dimension, and nothing is approximated. Source: paper section 4.1 and its published code.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum, isfinite

from app.toy.draw import vectors
from app.toy.settings import VECTORS, Clamped, ToySettings, name_of

_BEYOND = 1e12  # a loss so many times its first will not come back


@dataclass(frozen=True)
class ToyCurve:
    """One training. loss, pm1 and pm2 before each update, and after the last.

    pm1: 1 - cos^2 of a and a*. pm2: the loss with the true b and c, of a or -a, whichever is less.
    `diverged_at`: the update at which the loss left all bounds; the curves end before it.
    """

    clamped: Clamped
    loss: list[float]
    pm1: list[float]
    pm2: list[float]
    diverged_at: int | None = None

    @property
    def name(self) -> str:
        return name_of(self.clamped)


@dataclass(frozen=True)
class _Plane:
    """The plane of a vector's training: the squared lengths of the true and the initial vector, and
    their product."""

    true: float
    initial: float
    product: float


@dataclass
class _Vector:
    """x true + y initial, in its plane."""

    plane: _Plane
    x: float
    y: float

    @property
    def squared(self) -> float:
        p = self.plane
        return self.x**2 * p.true + 2 * self.x * self.y * p.product + self.y**2 * p.initial

    @property
    def along(self) -> float:
        """Product with the true vector."""
        return self.x * self.plane.true + self.y * self.plane.product


def curves(settings: ToySettings, clampings: Iterable[Clamped]) -> list[ToyCurve]:
    """The same vectors trained once for each choice of those that are clamped to the truth."""
    planes = _planes(settings)
    return [_trained(settings, planes, clamped) for clamped in clampings]


def lengths(settings: ToySettings) -> dict[str, float]:
    """Lengths of the true vectors `a*`, `b*`, `c*` and of the initial `a`, `b`, `c`."""
    planes = _planes(settings)
    true = {f"{name}*": plane.true**0.5 for name, plane in zip(VECTORS, planes, strict=True)}
    initial = {name: plane.initial**0.5 for name, plane in zip(VECTORS, planes, strict=True)}
    return true | initial


def _planes(settings: ToySettings) -> list[_Plane]:
    drawn = vectors(settings.seed, settings.dimension)
    scale = settings.initial_scale
    return [
        _Plane(
            _product(true, true), scale**2 * _product(start, start), scale * _product(true, start)
        )
        for true, start in zip(drawn[:3], drawn[3:], strict=True)
    ]


def _product(a: Sequence[float], b: Sequence[float]) -> float:
    return fsum(x * y for x, y in zip(a, b, strict=True))


def _trained(settings: ToySettings, planes: Sequence[_Plane], clamped: Clamped) -> ToyCurve:
    now = [
        _Vector(plane, 1.0, 0.0) if name in clamped else _Vector(plane, 0.0, 1.0)
        for name, plane in zip(VECTORS, planes, strict=True)
    ]
    free = [vector for name, vector in zip(VECTORS, now, strict=True) if name not in clamped]
    volume = settings.dimension**3
    curve = ToyCurve(clamped, [], [], [])
    for update in range(settings.updates + 1):
        if update:
            _step(now, free, settings.learning_rate / volume)
        loss = _loss(now, volume)
        if not isfinite(loss) or loss > _BEYOND * max(curve.loss[:1] or [1.0]):
            return ToyCurve(clamped, curve.loss, curve.pm1, curve.pm2, diverged_at=update)
        for series, value in zip(
            (curve.loss, curve.pm1, curve.pm2), (loss, *_progress(now, volume)), strict=True
        ):
            series.append(value)
    return curve


def _step(now: Sequence[_Vector], free: Sequence[_Vector], rate: float) -> None:
    """One update of all free vectors, by the gradient at the same place."""
    moves = [(vector, *_others(now, vector)) for vector in free]
    for vector, squared, along in moves:
        vector.x += rate * along - rate * squared * vector.x
        vector.y -= rate * squared * vector.y


def _others(now: Sequence[_Vector], vector: _Vector) -> tuple[float, float]:
    """Products of the other two's squared lengths, and of their parts along the truth."""
    first, second = (one for one in now if one is not vector)
    return first.squared * second.squared, first.along * second.along


def _loss(now: Sequence[_Vector], volume: int) -> float:
    truth, along, squared = 1.0, 1.0, 1.0
    for one in now:
        truth, along, squared = truth * one.plane.true, along * one.along, squared * one.squared
    return max(truth - 2 * along + squared, 0.0) / (2 * volume)


def _progress(now: Sequence[_Vector], volume: int) -> Iterator[float]:
    a, b, c = now
    both = a.squared * a.plane.true
    yield max(1 - a.along**2 / both, 0.0) if both else 1.0
    apart = a.plane.true - 2 * abs(a.along) + a.squared
    yield max(apart, 0.0) * b.plane.true * c.plane.true / (2 * volume)
