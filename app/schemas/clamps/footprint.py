"""Footprints: the single activations that a clamp touches, to compare clamps and follow values."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.dimensions import Dimensions, rows_of
from app.schemas.clamps.kinds import (
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftOut,
    PerfectCopy,
    PerfectLayer1,
)
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, ROW_POINTS, Point


class Node(NamedTuple):
    """One activation: a vector at a token, or one score or weight from a row to a key token.

    `layer`, `head`, `row` and `key` are -1 where the point has none.
    """

    point: Point
    layer: int = -1
    head: int = -1
    row: int = -1
    key: int = -1


LOGITS = Node(Point.LOGITS)


def footprint(clamp: BaseClamp, dimensions: Dimensions) -> frozenset[Node]:
    """Every activation that the clamp changes, in a model of these dimensions."""
    if isinstance(clamp, PerfectCopy | GraftOut):
        return frozenset({LOGITS})
    nodes = frozenset(_nodes(clamp, dimensions))
    if isinstance(clamp, ForbidPreviousToken):
        return frozenset(node for node in nodes if node.key == node.row - 1)
    if isinstance(clamp, ForbidNonLabels):
        return frozenset(node for node in nodes if node.key % 2 == 0)
    if isinstance(clamp, PerfectLayer1):
        reads = product((Point.Q_INPUT, Point.K_INPUT), range(dimensions.tokens))
        return nodes | {Node(point, 1, row=row) for point, row in reads}
    return nodes


def _nodes(clamp: BaseClamp, dimensions: Dimensions) -> Iterator[Node]:
    site = clamp.site
    if site.point is Point.LOGITS:
        yield LOGITS
        return
    layers = (-1,) if site.point in LAYERLESS_POINTS else site.layers_of(dimensions.layers)
    heads = site.heads_of(dimensions.heads) if site.point in HEAD_POINTS else (-1,)
    rows = rows_of(site.positions, dimensions.tokens)
    for layer, head, row in product(layers, heads, rows):
        keys = range(row + 1) if site.point in ROW_POINTS else (-1,)
        yield from (Node(site.point, layer, head, row, key) for key in keys)
