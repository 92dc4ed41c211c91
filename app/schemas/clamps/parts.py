"""Layouts: which parts a program has, and whose edits they are.

A part is one edit of one activation. What parts there are decides the compiled program; which heads
and rows a part covers, how strongly and when, is data: `worker.science.clamps.program` makes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.schemas.clamps.base import AFTERWARDS, BaseClamp, Source
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.footprint import footprint
from app.schemas.clamps.kinds import Program
from app.schemas.clamps.nodes import Node
from app.schemas.clamps.site import Point


@dataclass(frozen=True)
class Place:
    """What tells parts apart: where they act, and what their values are made from."""

    point: Point
    layer: int | None
    source: Source
    from_layer: int | None = None  # of COPY and GRAFT_OUT
    is_stopped: bool = False  # no gradient through the reference
    is_unclamped: bool = False  # COPY: from a pass without clamps
    is_windowed: bool = False
    checkpoint: str | None = None  # of the donor


@dataclass(frozen=True)
class Piece:
    """What one clamp does at one place."""

    clamp: BaseClamp
    nodes: tuple[Node, ...]


Pieces = tuple[Piece, ...]


@lru_cache(maxsize=256)
def layout_of(program: Program, dimensions: Dimensions) -> tuple[tuple[Place, Pieces], ...]:
    """The parts of a program, in order. Pieces at equal places that do not overlap share one."""
    packed: list[tuple[Place, list[Piece]]] = []
    # In an order that does not depend on how the program is written: equal programs must give
    # equal layouts, for cohorts share a compiled update by them, and edits that do not commute
    # must be done alike.
    for clamp in sorted(program, key=_precedence):
        for place, piece in _pieces(clamp, dimensions):
            for other, there in packed:
                if other == place and _fits(piece, there):
                    there.append(piece)
                    break
            else:
                packed.append((place, [piece]))
    # A stable sort: parts at one place stay in the order of precedence.
    packed.sort(key=lambda one: (one[0].point, one[0].layer or 0))
    return tuple((place, tuple(pieces)) for place, pieces in packed)


def _precedence(clamp: BaseClamp) -> tuple[int, int, str]:
    """References, then factors, then assignments; these as the published code orders them."""
    return clamp.phase, clamp.rank, clamp.title


def _pieces(clamp: BaseClamp, dimensions: Dimensions) -> Iterator[tuple[Place, Piece]]:
    """What one clamp edits: one piece per layer and point."""
    places: dict[tuple[Point, int], list[Node]] = {}
    for node in sorted(footprint(clamp, dimensions)):
        places.setdefault((node.point, node.layer), []).append(node)
    for (point, layer), nodes in places.items():
        yield _place(clamp, point, layer), Piece(clamp, tuple(nodes))


def _place(clamp: BaseClamp, point: Point, layer: int) -> Place:
    source = clamp.source_at(point)
    return Place(
        point=point,
        layer=layer if layer >= 0 else None,
        source=source,
        from_layer=clamp.site.layer if source in AFTERWARDS else None,
        is_stopped=clamp.is_stopped,
        is_unclamped=clamp.reads_unclamped,
        is_windowed=clamp.is_windowed,
        checkpoint=clamp.donor,
    )


def _fits(piece: Piece, there: Sequence[Piece]) -> bool:
    """Whether a piece touches nothing that these do; what a donor gives is one piece alone."""
    if piece.clamp.donor is not None:
        return False
    nodes = set(piece.nodes)
    return not any(nodes.intersection(other.nodes) for other in there)
