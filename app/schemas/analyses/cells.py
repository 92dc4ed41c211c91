"""The programs that an analysis puts each checkpoint under, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from app.schemas.analyses.kinds import (
    AblationGrid,
    AnalysisRequest,
    Perfected,
    Preserved,
    Wiring,
)
from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import Ablate, Clamp, Preserve, Program
from app.schemas.clamps.site import Site

_PRESERVED: dict[Preserved, tuple[str, ...]] = {
    "nothing": (),
    "patterns": ("pattern",),
    "values": ("v",),
    "patterns_and_values": ("pattern", "v"),
}
_WIRED: tuple[Preserved, ...] = (
    "values",
    "patterns",
)  # what is preserved where the others are asked for


@dataclass(frozen=True)
class AnalysisCell:
    """One program. `group`: cells of one are looked at together, and their mistakes compared;
    `head` and `other`: which head is kept or removed, for tables and figures."""

    name: str
    group: str
    program: Program = ()
    head: int | None = None
    other: int | None = None


class CellError(ValueError):
    """An analysis that this model cannot have. `loc`: a JSON pointer into the request."""

    def __init__(self, message: str, loc: str) -> None:
        super().__init__(message)
        self.loc = loc


def cells_of(
    request: AnalysisRequest, dimensions: Dimensions, order: Sequence[int] = ()
) -> list[AnalysisCell]:
    """All cells, those of a group beside each other. `order`: heads by strength, where the request
    leaves that open. Raises `CellError`."""
    if isinstance(request, AblationGrid):
        return list(_grid(request, dimensions, request.order or order))
    if isinstance(request, Wiring):
        return list(_wiring(request, dimensions))
    if isinstance(request, Perfected):
        return [
            AnalysisCell(name, "programs", _checked(name, program, dimensions))
            for name, program in request.programs.items()
        ]
    return [AnalysisCell("none", "none")]


def layer_of(request: AblationGrid, dimensions: Dimensions) -> int:
    """The layer whose heads are ablated."""
    return dimensions.layers - 1 if request.layer is None else request.layer


def _grid(
    request: AblationGrid, dimensions: Dimensions, order: Sequence[int]
) -> Iterator[AnalysisCell]:
    layer, heads = layer_of(request, dimensions), range(dimensions.heads)
    _check_grid(request, dimensions, order)
    kept = preserved(range(layer + 1, dimensions.layers), request.preserve)

    def cell(group: str, silent: Sequence[int], name: str, head: int | None = None) -> AnalysisCell:
        return AnalysisCell(name, group, (*ablated(layer, silent), *kept) if silent else (), head)

    for act in dict.fromkeys(request.acts):
        if act == "none":
            yield AnalysisCell("none", act)
        elif act == "remove":
            yield from (cell(act, [h], f"without {_called(layer, h)}", h) for h in heads)
        elif act == "only":
            yield from (
                cell(act, [o for o in heads if o != h], f"only {_called(layer, h)}", h)
                for h in heads
            )
        else:
            yield from (
                cell(act, sorted(order[count:]), f"the first {count}", order[count - 1])
                for count in range(1, len(order))
            )
    for silent in request.sets:
        name = f"without L{layer}H{','.join(map(str, sorted(set(silent))))}"
        yield cell("sets", sorted(set(silent)), name)


def _check_grid(request: AblationGrid, dimensions: Dimensions, order: Sequence[int]) -> None:
    layer, heads = layer_of(request, dimensions), dimensions.heads
    _check_layer(layer, dimensions, "/layer")
    for loc, chosen in (("/order", request.order), *(("/sets", one) for one in request.sets)):
        if wrong := [head for head in chosen if head >= heads]:
            raise CellError(f"head {wrong[0]}: the model has heads 0 to {heads - 1}", loc)
    if len(set(order)) < len(order):
        raise CellError("a head stands twice in the order", "/order")
    if "add_back" in request.acts and not order:
        raise CellError(
            "no strengths were recorded at the end of the run; say in which order", "/order"
        )
    if request.preserve != "nothing" and layer == dimensions.layers - 1:
        raise CellError("after the last layer there is nothing to preserve", "/preserve")


def _wiring(request: Wiring, dimensions: Dimensions) -> Iterator[AnalysisCell]:
    _check_layer(request.later, dimensions, "/later")
    if request.earlier >= request.later:
        raise CellError("the earlier layer must come before the later one", "/earlier")
    heads = range(dimensions.heads)

    def only(layer: int, head: int) -> tuple[Ablate, ...]:
        return ablated(layer, [other for other in heads if other != head])

    for later in heads:
        name = f"only {_called(request.later, later)}"
        yield AnalysisCell(name, "base", only(request.later, later), later)
    for preserve, act, later, earlier in product(_WIRED, ("remove", "only"), heads, heads):
        silent = (
            ablated(request.earlier, [earlier])
            if act == "remove"
            else only(request.earlier, earlier)
        )
        program = (*only(request.later, later), *silent, *preserved([request.later], preserve))
        name = f"{act} {_called(request.earlier, earlier)}, {preserve} preserved, only "
        yield AnalysisCell(
            f"{name}{_called(request.later, later)}", f"{act}_{preserve}", program, later, earlier
        )


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
    return (Ablate(site=Site.parse(f"L{layer}H{','.join(map(str, heads))}.v")),)


def composed(own: Sequence[Clamp], program: Sequence[Clamp]) -> Program:
    """A run's own clamps and those of a cell; what both say is said once."""
    return (*own, *(clamp for clamp in program if clamp not in own))


def _check_layer(layer: int, dimensions: Dimensions, loc: str) -> None:
    if layer >= dimensions.layers:
        raise CellError(f"layer {layer}: the model has layers 0 to {dimensions.layers - 1}", loc)


def _checked(name: str, program: Program, dimensions: Dimensions) -> Program:
    try:
        check_program(program, dimensions)
    except ClampError as error:
        raise CellError(str(error), f"/programs/{name}/{error.index}") from None
    return program


def _called(layer: int, head: int) -> str:
    return f"L{layer}H{head}"
