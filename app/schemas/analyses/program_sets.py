"""Named sets of programs: parts of the circuit as if perfect, and ways around them. Paper, Figs.
10, 12, 16, Tables 1, 3.

Which heads they are about is said by rank, not by number: what a head does depends on the initial
weights.
"""

from collections.abc import Callable, Iterator, Mapping

from app.schemas.analyses.cell import (
    AnalysisCell,
    CellError,
    Ranks,
    ablated,
    all_but,
    heads_of,
    preserved,
)
from app.schemas.analyses.kinds import Preserved, ProgramSet
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import InductionPattern, PreviousTokenPattern
from app.schemas.clamps.site import Site


def set_cells(named: ProgramSet, dimensions: Dimensions, ranks: Ranks) -> list[AnalysisCell]:
    """The programs of a set, for a model of this size. Raises `CellError`."""
    return list(_SETS[named](dimensions, ranks))


def _perfect_match(dimensions: Dimensions, _: Ranks) -> Iterator[AnalysisCell]:
    """Fig. 16, Table 3: one head writes, and attends to the right label."""
    yield AnalysisCell("none", "none")
    _needs(dimensions.heads > 1, "a single head is alone already")
    last = dimensions.layers - 1
    for head in range(dimensions.heads):
        site = heads_of(last, [head])
        others = ablated(last, all_but(dimensions.heads, head))
        yield AnalysisCell(f"only {site}, match perfect", "matched", (*others, _match(site)), head)


def _sub_circuits(dimensions: Dimensions, ranks: Ranks) -> Iterator[AnalysisCell]:
    """Fig. 10: what is left to learn if a step is perfect."""
    _needs(dimensions.layers > 1, "a sub-circuit needs two layers")
    _measured(ranks)
    first = heads_of(0, ranks.previous[:1])
    look_back = PreviousTokenPattern(site=Site.parse(f"{first}.pattern"))
    whole = f"L{dimensions.layers - 1}"
    yield AnalysisCell("none", "none")
    yield AnalysisCell(
        f"previous token perfect at {first} (2, 3qkv, 4, 5)", "look_back", (look_back,)
    )
    yield AnalysisCell("match perfect (3v, 5)", "match", (_match(whole),))


def _ways_to_output(dimensions: Dimensions, _: Ranks) -> Iterator[AnalysisCell]:
    """Fig. 12: a layer is silent, and what later layers attend to and read is as before."""
    yield AnalysisCell("none", "none")
    heads = range(dimensions.heads)
    for layer in range(dimensions.layers):
        kept = preserved(range(layer + 1, dimensions.layers), "patterns_and_values")
        program = (*ablated(layer, heads), *kept)
        yield AnalysisCell(f"layer {layer + 1} to the output removed", f"way_{layer}", program)


def _previous_token_sets(dimensions: Dimensions, ranks: Ranks) -> Iterator[AnalysisCell]:
    """Table 1: heads that look back, or all others, are silent; patterns or values preserved."""
    _needs(dimensions.layers > 1, "nothing reads what a single layer looks back at")
    _measured(ranks)
    others = all_but(dimensions.heads, *ranks.previous)
    for group, silent in (("looking_back", sorted(ranks.previous)), ("others", others)):
        ways: tuple[Preserved, ...] = ("patterns", "values") if silent else ()
        for preserve in ways:
            kept = preserved(range(1, dimensions.layers), preserve)
            name = f"without {heads_of(0, silent)}, {preserve} preserved"
            yield AnalysisCell(name, f"{group}_{preserve}", (*ablated(0, silent), *kept))


_SETS: Mapping[ProgramSet, Callable[[Dimensions, Ranks], Iterator[AnalysisCell]]] = {
    "perfect_match": _perfect_match,
    "sub_circuits": _sub_circuits,
    "ways_to_output": _ways_to_output,
    "previous_token_sets": _previous_token_sets,
}


def _match(site: str) -> InductionPattern:
    return InductionPattern(site=Site.parse(f"{site}.pattern[query]"))


def _needs(has: bool, otherwise: str) -> None:
    if not has:
        raise CellError(f"this model cannot have it: {otherwise}", "/programs")


def _measured(ranks: Ranks) -> None:
    _needs(bool(ranks.previous), "no previous-token strengths were recorded at the end of the run")
