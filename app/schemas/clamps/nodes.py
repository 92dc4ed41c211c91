"""Places of values: the single activations of a model, and what a clamp sees of a pass there."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import ZERO, Name, Names
from app.schemas.clamps.site import Point


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


class FlowPass(Protocol):
    """A forward pass on names of values, as far as it has come; see `schemas.clamps.dataflow`."""

    names: Names
    dimensions: Dimensions
    seen: dict[Node, Name]

    @property
    def unclamped(self) -> Mapping[Node, Name]:
        """What a pass without clamps has seen."""
        ...

    def embedded(self, row: int) -> Name:
        """The embedding of a token, as this pass sees it."""
        ...


def share_of_labels(at: FlowPass, node: Node, target: str, numbers: Mapping[str, float]) -> Name:
    """A weight of a pattern that depends on the batch: each label token has a share of its row."""
    if node.key % 2 == 0:
        return ZERO
    row = at.names.leaf(target, *numbers.items())
    return at.names.share(row, node.key, at.dimensions.context_pairs)
