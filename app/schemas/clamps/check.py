"""Which programs can be. A clamp that silently does nothing is a false result, so whatever cannot
be, contradicts another, or would not change the output is refused, with its site and the reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations

from app.schemas.clamps.base import BaseClamp, Phase
from app.schemas.clamps.dataflow import Dataflow
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.footprint import footprint
from app.schemas.clamps.kinds import Scale, SetConstant
from app.schemas.clamps.nodes import Node
from app.schemas.clamps.site import LAYERLESS_POINTS, ROW_POINTS, Point
from app.schemas.words import grouped, head_name, layer_name

Program = Sequence[BaseClamp]


class ClampError(ValueError):
    """A clamp that cannot be, cannot matter, or contradicts another; knows which one it is."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def check_program(program: Program, dimensions: Dimensions) -> None:
    """Raises `ClampError` for the first clamp that a model of these dimensions cannot have."""
    if not any(clamp.is_windowed for clamp in program):
        dimensions = replace(dimensions, sequences=1)  # the same for runs of any length
    if error := _error(tuple(program), dimensions):
        raise error


@lru_cache(maxsize=4096)  # lists of runs read the same programs again and again
def _error(program: tuple[BaseClamp, ...], dimensions: Dimensions) -> ClampError | None:
    try:
        _check(program, dimensions)
    except ClampError as error:
        return error.with_traceback(None)
    return None


def _check(program: Program, dimensions: Dimensions) -> None:
    for index, clamp in enumerate(program):
        if reason := _misfit(clamp, dimensions):
            raise ClampError(index, f"{clamp.site}: {reason}")
    if program:
        _check_contradictions(program, dimensions)
        _check_effects(program, dimensions)


def _misfit(clamp: BaseClamp, dimensions: Dimensions) -> str | None:
    """Why a clamp does not fit the model or the length of the run."""
    layers, heads = dimensions.layers, dimensions.heads
    if any(layer >= layers for layer in clamp.site.layers_of(layers)):
        return f"the model has layers 0 to {layers - 1}"
    if any(head >= heads for head in clamp.site.heads_of(heads)):
        return f"the model has heads 0 to {heads - 1}"
    if clamp.needs_two_layers and (layers != 2 or clamp.site.layer != 0):
        return f"{clamp.title.lower()} means L0.resid of a model of 2 layers; this has {layers}"
    if clamp.from_sequences >= dimensions.sequences:
        return (
            f"the light goes on at {grouped(clamp.from_sequences)} sequences, but the run ends at "
            f"{grouped(dimensions.sequences)}"
        )
    return _misfitting_value(clamp, dimensions) if isinstance(clamp, SetConstant) else None


def _misfitting_value(clamp: SetConstant, dimensions: Dimensions) -> str | None:
    if not isinstance(clamp.value, tuple):
        return None
    size = dimensions.features_at(clamp.site.point)
    if len(clamp.value) == size:
        return None
    what = "key tokens" if clamp.site.point in ROW_POINTS else "features"
    return f"the site has {size} {what}, not the {len(clamp.value)} of the list"


def _check_contradictions(program: Program, dimensions: Dimensions) -> None:
    """Two clamps of one phase cannot both have the last word; factors multiply."""
    touched = [footprint(clamp, dimensions) for clamp in program]
    for (i, first), (j, second) in combinations(enumerate(program), 2):
        if first.phase is not second.phase or first.phase is Phase.TRANSFORM:
            continue
        if (shared := touched[i] & touched[j]) and _overlap(first, second):
            where = _place(min(shared))
            raise ClampError(
                j,
                f"{second.site}: {second.title.lower()} and {first.title.lower()} ({first.site}) "
                f"both decide {where}; keep one of them",
            )


def _overlap(first: BaseClamp, second: BaseClamp) -> bool:
    """Whether two lights are ever on together."""
    start = max(first.from_sequences, second.from_sequences)
    return first.is_on(start) and second.is_on(start)


def _place(node: Node) -> str:
    if node.head >= 0:
        return f"the {node.point} of {head_name(node.layer, node.head).lower()}"
    if node.point in LAYERLESS_POINTS:
        return f"the {node.point}"
    return f"the {node.point} of {layer_name(node.layer).lower()}"


def _check_effects(program: Program, dimensions: Dimensions) -> None:
    """Refuses a clamp without which the output would be the same, and programs that cancel."""
    flow = Dataflow(dimensions, program)
    for index, clamp in reversed([*enumerate(program)]):  # of two alike, the later is told
        if not _matters(flow, program, clamp):
            reason = _reason(flow, program, clamp)
            raise ClampError(index, f"{clamp.site}: {clamp.title.lower()} {reason}")
    if not any(
        flow.output(_lit(program, moment)) != flow.untouched for moment in _moments(program)
    ):
        raise ClampError(len(program) - 1, f"{program[-1].site}: the clamps undo one another")


def _matters(flow: Dataflow, program: Program, clamp: BaseClamp) -> bool:
    for moment in _moments(program):
        if clamp.is_on(moment) and moment < flow.dimensions.sequences:
            lit = _lit(program, moment)
            if flow.output(lit) != flow.output([one for one in lit if one is not clamp]):
                return True
    return False


def _moments(program: Program) -> list[int]:
    """One sequence number of every stretch in which the same lights are on."""
    ends = (c.until_sequences for c in program if c.until_sequences is not None)
    return sorted({0, *(clamp.from_sequences for clamp in program), *ends})


def _lit(program: Program, moment: int) -> list[BaseClamp]:
    return [clamp for clamp in program if clamp.is_on(moment)]


def _reason(flow: Dataflow, program: Program, clamp: BaseClamp) -> str:
    """Why a clamp changes nothing: another that has the last word, or what it does by itself."""
    for other in program:
        rest = [one for one in program if one is not other]
        if other is not clamp and _matters(flow, rest, clamp):
            return f"would change nothing beside {other.title.lower()} ({other.site})"
    if clamp.phase is Phase.REFERENCE and _matters_ablated(flow, clamp):
        return (
            "would change nothing: no other clamp changes what leads there"
            if clamp.light == "preserved"
            else "would change nothing: the site is the same for all sequences"
        )
    return f"would change nothing: {_dead_end(flow, clamp)}"


def _matters_ablated(flow: Dataflow, clamp: BaseClamp) -> bool:
    """Whether the site is read at all: whether silencing it would be seen."""
    constant = SetConstant(site=clamp.site, value=0.0)
    return flow.output([constant]) != flow.untouched


def _dead_end(flow: Dataflow, clamp: BaseClamp) -> str:
    site = clamp.site
    if isinstance(clamp, Scale) and _matters_ablated(flow, clamp):
        return "the norm that follows undoes a factor"
    is_last = site.layer == flow.dimensions.layers - 1
    if is_last and site.point not in (Point.K, Point.V, Point.K_INPUT, Point.V_INPUT):
        return f"{layer_name(site.layer or 0).lower()} is the last, of which only the query is read"
    return "the output does not depend on it"
