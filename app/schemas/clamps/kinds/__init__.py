"""Clamps: changes at sites, as data. A run's clamps form its program.

Each kind is one class: its fields are what a user sets, its class attributes what the catalogue,
the form and the drawings need to know, its methods what checks, sentences and programs ask it. Its
place in its family's `KINDS` registers it. `app.schemas.clamps.check` says which programs can be,
`worker.science.clamps.program` makes edits of them. Source: arXiv 2404.07129, "artificial
optogenetics", and its published code, whose option each docstring names.

However a program is written, clamps act in three phases: what is taken from a reference pass, then
what is rescaled, then what is set. Their order in the list means nothing.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Discriminator, Tag

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import activations, figure_5b, grafts, published
from app.schemas.clamps.kinds.activations import MeanAblate, Resample, Scale, SetConstant
from app.schemas.clamps.kinds.figure_5b import (
    Ablate,
    InductionPattern,
    PerfectCopy,
    PerfectLayer1,
    PreviousTokenPattern,
)
from app.schemas.clamps.kinds.grafts import GraftIn, GraftOut
from app.schemas.clamps.kinds.published import (
    ForbidNonLabels,
    ForbidPreviousToken,
    MatchPattern,
    Preserve,
    Temperature,
)
from app.schemas.clamps.site import HEAD_POINTS
from app.schemas.words import either

__all__ = [
    "KINDS",
    "Ablate",
    "Clamp",
    "ForbidNonLabels",
    "ForbidPreviousToken",
    "GraftIn",
    "GraftOut",
    "InductionPattern",
    "MatchPattern",
    "MeanAblate",
    "PerfectCopy",
    "PerfectLayer1",
    "Preserve",
    "PreviousTokenPattern",
    "Program",
    "Resample",
    "Scale",
    "SetConstant",
    "Temperature",
    "covered",
]

# In the order of the catalogue: families, and in each its kinds.
KINDS: tuple[type[BaseClamp], ...] = tuple(
    kind for family in (figure_5b, published, activations, grafts) for kind in family.KINDS
)


def _fixed(kind: type[BaseClamp]) -> tuple[str, ...]:
    """The fields that make a clamp one of this kind: `("set_pattern", "induction")`."""
    fields = kind.model_fields
    return tuple(str(fields[name].default) for name in ("kind", "target") if name in fields)


_TARGETS: dict[str, list[str]] = {}  # of kinds that have any
for _kind in KINDS:
    _TARGETS.setdefault(_fixed(_kind)[0], []).extend(_fixed(_kind)[1:])


def _tag(clamp: object) -> str | None:
    """Which kind a clamp is of: `ablate`, `set_pattern.induction`."""

    def given(name: str) -> object:
        return clamp.get(name) if isinstance(clamp, Mapping) else getattr(clamp, name, None)

    kind, target = given("kind"), given("target")
    if kind is None:
        return None
    return f"{kind}.{target}" if _TARGETS.get(str(kind)) else str(kind)


def _known() -> str:
    """`ablate, ..., or forbid (with the target previous_token or non_labels)`."""
    names = [
        f"{kind} (with the target {either(targets)})" if targets else kind
        for kind, targets in sorted(_TARGETS.items(), key=lambda one: bool(one[1]))
    ]
    return either(names)


# One flat union, told apart by a function: OpenAPI knows no discriminator of two fields. The types
# see what all kinds have in common, since no checker can read a union that is made of a tuple.
if TYPE_CHECKING:
    Clamp = BaseClamp
else:
    Clamp = Annotated[
        reduce(or_, (Annotated[kind, Tag(".".join(_fixed(kind)))] for kind in KINDS)),
        Discriminator(
            _tag,
            custom_error_type="clamp_kind",
            custom_error_message=f"a clamp's kind is {_known()}",
        ),
    ]
Program = tuple[Clamp, ...]


def covered(clamp: BaseClamp, *, layers: int, heads: int) -> frozenset[tuple[int, int]]:
    """The (layer, head) pairs that a clamp touches; none for a site without heads."""
    if clamp.site.point not in HEAD_POINTS:
        return frozenset()
    return frozenset(
        (layer, head)
        for layer in clamp.site.layers_of(layers)
        for head in clamp.site.heads_of(heads)
    )
