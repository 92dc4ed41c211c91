"""Clamps: changes at sites, as data. A run's clamps form its program.

Each compiles to a masked affine edit in `worker.science.program`. What cannot have an effect, or
contradicts itself, is refused by `check_program`, with the site named: a clamp that silently does
nothing is a false result.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.schemas.site import Point, Positions, Site, SiteField
from app.schemas.words import enumerate_words, head_name, layer_name


class PatternName(StrEnum):
    """Attention patterns that a head can be made to have."""

    INDUCTION = "induction"  # the query attends to the label tokens of its own class
    PREVIOUS_TOKEN = "previous_token"  # every token attends to the one before it


class _Clamp(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ablate(_Clamp):
    """Heads write nothing: their values are zero. Paper: `ablate_heads`."""

    kind: Literal["ablate"] = "ablate"
    site: SiteField

    @field_validator("site")
    @classmethod
    def _is_values(cls, site: Site) -> Site:
        if site.point is not Point.V or site.positions is not Positions.ALL:
            raise ValueError(
                f"{site}: heads are ablated at their values; write for instance L1H3.v"
            )
        return site


class SetPattern(_Clamp):
    """Heads attend as told, whatever their queries and keys say.

    `induction` (paper: `induction_heads`, step 4 of the circuit): the query row puts `strength` on
    the label tokens of the query's class and the rest on the other label tokens, evenly.
    `previous_token` (paper: `prev_token_heads`, step 1): token i puts `strength` on token i - 1 and
    the rest on itself; token 0 attends to itself. The induction strength that charts show is
    2 * strength - 1 for two labels in context.
    """

    kind: Literal["set_pattern"] = "set_pattern"
    site: SiteField
    target: PatternName
    strength: float = Field(1.0, ge=0, le=1)

    @field_validator("site")
    @classmethod
    def _is_pattern(cls, site: Site) -> Site:
        if site.point is not Point.PATTERN:
            raise ValueError(f"{site}: a pattern is fixed at L{{layer}}H{{head}}.pattern")
        return site


Clamp = Annotated[Ablate | SetPattern, Field(discriminator="kind")]
Program = tuple[Clamp, ...]


class ClampError(ValueError):
    """A clamp that cannot be, cannot matter, or contradicts another; knows which one it is."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def check_program(program: Sequence[Clamp], *, layers: int, heads: int) -> None:
    """Raises `ClampError` for the first clamp that a model of this shape cannot have."""
    for index, clamp in enumerate(program):
        _check_range(index, clamp, layers, heads)
        _check_positions(index, clamp)
    _check_overlaps(program, layers, heads)
    _check_effect(program, layers, heads)


def covered(clamp: Clamp, *, layers: int, heads: int) -> frozenset[tuple[int, int]]:
    """The (layer, head) pairs that a clamp touches."""
    return frozenset(
        (layer, head)
        for layer in clamp.site.layers_of(layers)
        for head in clamp.site.heads_of(heads)
    )


def _check_range(index: int, clamp: Clamp, layers: int, heads: int) -> None:
    for layer, head in sorted(covered(clamp, layers=layers, heads=heads)):
        if layer >= layers:
            raise ClampError(index, f"{clamp.site}: the model has layers 0 to {layers - 1}")
        if head >= heads:
            raise ClampError(index, f"{clamp.site}: the model has heads 0 to {heads - 1}")


def _check_positions(index: int, clamp: Clamp) -> None:
    if not isinstance(clamp, SetPattern):
        return
    allowed = _POSITIONS[clamp.target]
    if clamp.site.positions not in allowed:
        forms = enumerate_words([f"[{p}]" if p is not Positions.ALL else "all" for p in allowed])
        raise ClampError(index, f"{clamp.site}: an {clamp.target} pattern covers {forms} rows")


_POSITIONS = {
    PatternName.INDUCTION: (Positions.QUERY,),
    PatternName.PREVIOUS_TOKEN: (Positions.ALL, Positions.LABELS),
}


def _rows(clamp: SetPattern) -> frozenset[Positions]:
    """The roles of the rows that a pattern clamp sets."""
    if clamp.site.positions is Positions.ALL:
        return frozenset({Positions.QUERY, Positions.LABELS, Positions.EXEMPLARS})
    return frozenset({clamp.site.positions})


def _check_overlaps(program: Sequence[Clamp], layers: int, heads: int) -> None:
    for (_, first), (later, second) in combinations(enumerate(program), 2):
        shared = covered(first, layers=layers, heads=heads) & covered(
            second, layers=layers, heads=heads
        )
        if shared and (reason := _contradiction(first, second)):
            where = head_name(*min(shared))
            raise ClampError(later, f"{second.site}: {where} is {reason} ({first.site})")


def _contradiction(first: Clamp, second: Clamp) -> str | None:
    if isinstance(first, Ablate) and isinstance(second, Ablate):
        return "already ablated"
    if isinstance(first, SetPattern) and isinstance(second, SetPattern):
        return "already given a pattern" if _rows(first) & _rows(second) else None
    return "both ablated and given a pattern, which an ablated head cannot use"


def _check_effect(program: Sequence[Clamp], layers: int, heads: int) -> None:
    """Refuses pattern rows that nothing downstream reads: only the query row reaches the output."""
    silenced = {
        pair
        for clamp in program
        if isinstance(clamp, Ablate)
        for pair in covered(clamp, layers=layers, heads=heads)
    }
    for index, clamp in enumerate(program):
        if not isinstance(clamp, SetPattern) or Positions.QUERY in _rows(clamp):
            continue
        for layer in sorted(clamp.site.layers_of(layers)):
            readers = {(later, head) for later in range(layer + 1, layers) for head in range(heads)}
            if readers <= silenced:
                reason = "is the last" if not readers else "is followed by ablated heads only"
                raise ClampError(
                    index,
                    f"{clamp.site}: {layer_name(layer)} {reason}, so only its query row reaches "
                    f"the output and this clamp would change nothing",
                )


def describe(program: Sequence[Clamp], *, layers: int, heads: int) -> Iterator[str]:
    """One plain sentence per clamp, for forms and run pages."""
    if not program:
        yield "Nothing is clamped: every head learns freely."
    for clamp in program:
        for layer in clamp.site.layers_of(layers):
            yield _sentence(clamp, layer, clamp.site.heads_of(heads), heads)


def _sentence(clamp: Clamp, layer: int, touched: tuple[int, ...], heads: int) -> str:
    who = _subject(layer, touched, heads)
    many = len(touched) > 1
    if isinstance(clamp, Ablate):
        return f"{who} {'are silenced: they write' if many else 'is silenced: it writes'} nothing."
    attend = "attend" if many else "attends"
    if clamp.target is PatternName.INDUCTION:
        return f"{who} always {attend} from the query to {_induction_words(clamp.strength)}."
    rows = "each label token" if clamp.site.positions is Positions.LABELS else "every token"
    rest = (
        "" if clamp.strength == 1 else f", with strength {clamp.strength:g} and the rest on itself"
    )
    return f"{who} always {attend} from {rows} to the token before it{rest}."


def _subject(layer: int, touched: tuple[int, ...], heads: int) -> str:
    if len(touched) == heads:
        return f"All heads of {layer_name(layer).lower()}"
    if len(touched) == 1:
        return head_name(layer, touched[0])
    return f"{layer_name(layer)}, heads {enumerate_words([str(h) for h in touched])}"


def _induction_words(strength: float) -> str:
    if strength == 1:
        return "the correct label"
    if strength == 0:
        return "the wrong label"
    return f"the correct label with strength {strength:g}, to the wrong one with {1 - strength:g}"
