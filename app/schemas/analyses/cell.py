"""One program that an analysis puts a checkpoint under, and what such programs are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.schemas.analyses.kinds import Preserved
from app.schemas.clamps.kinds import Ablate, Clamp, Preserve, Program
from app.schemas.clamps.site import Site

LOOKS_BACK = 0.5  # previous-token strength from which a head of layer 1 is one (Table 1)
_PRESERVED: dict[Preserved, tuple[str, ...]] = {
    "nothing": (),
    "patterns": ("pattern",),
    "values": ("v",),
    "patterns_and_values": ("pattern", "v"),
}


@dataclass(frozen=True)
class AnalysisCell:
    """One program. `group`: cells of one are looked at together, and their mistakes compared;
    `head` and `other`: which head is kept or removed, for tables and figures."""

    name: str
    group: str
    program: Program = ()
    head: int | None = None
    other: int | None = None


@dataclass(frozen=True)
class Ranks:
    """Heads by what was measured of them at the end of the training, for requests that name none.
    `induction`: of the layer that is asked about, the strongest first; `previous`: previous-token
    heads of the first layer, the strongest first, at least one where it was measured."""

    induction: Sequence[int] = ()
    previous: Sequence[int] = ()


class CellError(ValueError):
    """An analysis that this model cannot have. `loc`: a JSON pointer into the request."""

    def __init__(self, message: str, loc: str) -> None:
        super().__init__(message)
        self.loc = loc


def preserved(layers: Sequence[int], what: Preserved) -> tuple[Preserve, ...]:
    """Clamps that keep patterns, values or both of some layers as without other clamps."""
    return tuple(
        Preserve(site=Site.parse(f"L{layer}.{point}"))
        for layer in layers
        for point in _PRESERVED[what]
    )


def ablated(layer: int, heads: Sequence[int]) -> tuple[Ablate, ...]:
    """The clamp that has heads of a layer write nothing; none for no heads."""
    if not heads:
        return ()
    return (Ablate(site=Site.parse(f"{heads_of(layer, heads)}.v")),)


def all_but(heads: int, *kept: int) -> list[int]:
    """The other heads of a layer of so many."""
    return [head for head in range(heads) if head not in kept]


def composed(own: Sequence[Clamp], program: Sequence[Clamp]) -> Program:
    """A run's own clamps and those of a cell; what both say is said once."""
    return (*own, *(clamp for clamp in program if clamp not in own))


def heads_of(layer: int, heads: Sequence[int]) -> str:
    """Heads of a layer as sites name them."""
    return f"L{layer}H{','.join(map(str, heads))}"
