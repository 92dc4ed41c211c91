"""Footprints: the single activations that a clamp touches, to compare clamps and follow values."""

from collections.abc import Iterator
from itertools import product

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.dimensions import Dimensions, rows_of
from app.schemas.clamps.nodes import LOGITS, Node
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, ROW_POINTS, Point


def footprint(clamp: BaseClamp, dimensions: Dimensions) -> frozenset[Node]:
    """Every activation that the clamp changes, in a model of these dimensions."""
    return clamp.touched(frozenset(_nodes(clamp, dimensions)), dimensions)


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
