"""Taps: the only doors through which a clamp or a measure reaches an activation."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from app.schemas.clamps.site import Point

# Where the (query) token axis of each point is; the other axes are in `schemas.site.Point`.
TOKEN_AXIS: dict[Point, int] = {
    Point.EMBED: 1,
    Point.Q_INPUT: 1,
    Point.K_INPUT: 1,
    Point.V_INPUT: 1,
    Point.Q: 2,
    Point.K: 2,
    Point.V: 2,
    Point.SCORE: 1,
    Point.PATTERN: 1,
    Point.Z: 2,
    Point.ATTN_OUT: 1,
    Point.RESID: 1,
}


class Edit(NamedTuple):
    """x -> scale * x + value, broadcast over the activation at one point of one layer.

    Edits compose (`then`), and `Edit(1, 0)` leaves finite values exactly as they are. A scale of
    None replaces the activation wholly, so that nothing before it needs to be computed.
    """

    scale: Tensor | None
    value: Tensor

    def then(self, later: "Edit") -> "Edit":
        """This edit followed by another: (s2 s1, s2 v1 + v2)."""
        if later.scale is None:
            return later
        scale = None if self.scale is None else later.scale * self.scale
        return Edit(scale, later.scale * self.value + later.value)

    def __call__(self, x: Tensor) -> Tensor:
        """The activation, edited."""
        return self.value.expand_as(x) if self.scale is None else self.scale * x + self.value


Edits = Mapping[str, Edit]


class Tap:
    """Applies the edit of each activation that passes, and keeps those that were asked for."""

    def __init__(self, edits: Edits, keep: frozenset[str]) -> None:
        self.edits = edits
        self.keep = keep
        self.kept: dict[str, Tensor] = {}

    def __call__(self, point: Point, x: Tensor, *, layer: int | None = None) -> Tensor:
        """The activation at `point`, edited."""
        key = site_key(point, layer)
        if key in self.edits:  # decided while tracing: an absent edit costs nothing
            x = self.edits[key](x)
        if key in self.keep:
            self.kept[key] = x
        return x


def site_key(point: Point, layer: int | None = None) -> str:
    """`L1.pattern`, `logits`: how edits and kept activations are named."""
    return str(point) if layer is None else f"L{layer}.{point}"


def last_tokens(x: Tensor, point: Point, rows: int) -> Tensor:
    """The last `rows` (query) tokens of something with the axes of a point, or broadcast there."""
    axis = TOKEN_AXIS.get(point)
    if axis is None or x.shape[axis] <= rows:
        return x
    return x.narrow(axis, x.shape[axis] - rows, rows)
