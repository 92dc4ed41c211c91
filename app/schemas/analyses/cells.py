"""The programs that an analysis puts each checkpoint under, by name."""

from collections.abc import Iterator, Sequence
from itertools import product

from app.schemas.analyses.cell import (
    AnalysisCell,
    CellError,
    Ranks,
    ablated,
    all_but,
    heads_of,
    preserved,
)
from app.schemas.analyses.kinds import (
    AblationGrid,
    AnalysisRequest,
    Perfected,
    Preserved,
    Wiring,
)
from app.schemas.analyses.program_sets import set_cells
from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import Ablate, Program

_WIRED: tuple[Preserved, ...] = (
    "values",
    "patterns",
)  # what is preserved where the others are asked for


def cells_of(request: AnalysisRequest, dimensions: Dimensions, ranks: Ranks) -> list[AnalysisCell]:
    """All cells, those of a group beside each other. `ranks`: for what the request leaves open.
    Raises `CellError`."""
    if isinstance(request, AblationGrid):
        return list(_grid(request, dimensions, request.order or ranks.induction))
    if isinstance(request, Wiring):
        return list(_wiring(request, dimensions))
    if isinstance(request, Perfected):
        return _perfected(request, dimensions, ranks)
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
            yield from (cell(act, [h], f"without {heads_of(layer, [h])}", h) for h in heads)
        elif act == "only":
            yield from (
                cell(act, all_but(len(heads), h), f"only {heads_of(layer, [h])}", h) for h in heads
            )
        else:
            is_whole = act == "add_back"
            added = order if is_whole else order[1:]
            said = "the first" if is_whole else "after the first, the next"
            yield from (
                cell(act, all_but(len(heads), *added[:count]), f"{said} {count}", added[count - 1])
                for count in range(1, len(order))  # all of them are the model as it is
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
    if {"add_back", "add_back_rest"} & {*request.acts} and not order:
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
        return ablated(layer, all_but(dimensions.heads, head))

    for later in heads:
        name = f"only {heads_of(request.later, [later])}"
        yield AnalysisCell(name, "base", only(request.later, later), later)
    for preserve, act, later, earlier in product(_WIRED, ("remove", "only"), heads, heads):
        silent = (
            ablated(request.earlier, [earlier])
            if act == "remove"
            else only(request.earlier, earlier)
        )
        program = (*only(request.later, later), *silent, *preserved([request.later], preserve))
        name = f"{act} {heads_of(request.earlier, [earlier])}, {preserve} preserved, only "
        yield AnalysisCell(
            f"{name}{heads_of(request.later, [later])}",
            f"{act}_{preserve}",
            program,
            later,
            earlier,
        )


def _perfected(request: Perfected, dimensions: Dimensions, ranks: Ranks) -> list[AnalysisCell]:
    if not isinstance(request.programs, dict):
        return set_cells(request.programs, dimensions, ranks)
    return [
        AnalysisCell(name, "programs", _checked(name, program, dimensions))
        for name, program in request.programs.items()
    ]


def _check_layer(layer: int, dimensions: Dimensions, loc: str) -> None:
    if layer >= dimensions.layers:
        raise CellError(f"layer {layer}: the model has layers 0 to {dimensions.layers - 1}", loc)


def _checked(name: str, program: Program, dimensions: Dimensions) -> Program:
    try:
        check_program(program, dimensions)
    except ClampError as error:
        raise CellError(str(error), f"/programs/{name}/{error.index}") from None
    return program
