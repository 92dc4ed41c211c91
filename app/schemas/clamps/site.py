"""Sites: places in the forward pass, as values with a text form.

`L1H3.pattern[query]`, `L0.v`, `L1H0,2,5.v`, `L*.pattern`. Layers and heads are 0-indexed. The
text form is what configs, the database and URLs hold; parsing it is the only way to make a site
from text, so a misspelt site is an error and never a clamp without effect.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema


class Point(StrEnum):
    """Named activations in order of computation. Axes are those of `worker.science.model`."""

    EMBED = "embed"  # width token sequence
    Q_INPUT = "q_input"  # width token sequence: the stream that queries are made from (step 3q)
    K_INPUT = "k_input"  # width token sequence: that keys are made from (step 3k)
    V_INPUT = "v_input"  # width token sequence: that values are made from (step 3v)
    Q = "q"  # head dim token sequence, after rotary
    K = "k"  # head dim token sequence, after rotary
    V = "v"  # head dim token sequence
    SCORE = "score"  # head query key sequence, before softmax
    PATTERN = "pattern"  # head query key sequence, after softmax
    Z = "z"  # head dim token sequence: pattern applied to v
    ATTN_OUT = "attn_out"  # width token sequence
    RESID = "resid"  # width token sequence, after the block
    LOGITS = "logits"  # label sequence


class Positions(StrEnum):
    """Roles of the (query) tokens a site covers; the sequence layout knows their numbers."""

    ALL = "all"
    QUERY = "query"  # the last token, whose label is asked for
    LABELS = "labels"  # the label tokens of the context
    EXEMPLARS = "exemplars"  # the exemplar tokens of the context


HEAD_POINTS = frozenset({Point.Q, Point.K, Point.V, Point.SCORE, Point.PATTERN, Point.Z})
ROW_POINTS = frozenset({Point.SCORE, Point.PATTERN})  # positions are those of the query tokens
INPUT_POINTS = frozenset({Point.Q_INPUT, Point.K_INPUT, Point.V_INPUT})
LAYERLESS_POINTS = frozenset({Point.EMBED, Point.LOGITS})

_GRAMMAR = re.compile(
    r"(?:L(?P<layer>\*|\d+)(?:H(?P<heads>\*|\d+(?:,\d+)*))?\.)?"
    r"(?P<point>[a-z_]+)(?:\[(?P<positions>[a-z]+)\])?"
)


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A point, of which layer (None: every), which heads (None: every), at which tokens."""

    point: Point
    layer: int | None = None
    heads: tuple[int, ...] | None = None
    positions: Positions = Positions.ALL

    @classmethod
    def parse(cls, text: str) -> "Site":
        """Reads the text form. Raises ValueError saying which part is wrong and what would do."""
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a site; write for instance L1H3.pattern[query]")
        point = _member(Point, match["point"], text)
        positions = _member(Positions, match["positions"] or "all", text)
        if match["layer"] is None and point not in LAYERLESS_POINTS:
            raise ValueError(f"{text!r} names no layer; write L0.{point} or L*.{point}")
        if match["layer"] is not None and point in LAYERLESS_POINTS:
            raise ValueError(f"{text!r}: {point} belongs to no layer; write {point}")
        if match["heads"] is not None and point not in HEAD_POINTS:
            raise ValueError(f"{text!r}: {point} has no heads; leave H{match['heads']} out")
        if point is Point.LOGITS and positions is not Positions.ALL:
            raise ValueError(f"{text!r}: logits are those of the query alone; write logits")
        return cls(point, _layer(match["layer"]), _heads(match["heads"]), positions)

    def __str__(self) -> str:
        layer = "*" if self.layer is None else str(self.layer)
        heads = "" if self.heads is None else "H" + ",".join(map(str, self.heads))
        prefix = "" if self.point in LAYERLESS_POINTS else f"L{layer}{heads}."
        suffix = "" if self.positions is Positions.ALL else f"[{self.positions}]"
        return f"{prefix}{self.point}{suffix}"

    def layers_of(self, layers: int) -> tuple[int, ...]:
        """The layers covered in a model of `layers` layers."""
        return tuple(range(layers)) if self.layer is None else (self.layer,)

    def heads_of(self, heads: int) -> tuple[int, ...]:
        """The heads covered in layers of `heads` heads."""
        return tuple(range(heads)) if self.heads is None else self.heads


Member = TypeVar("Member", bound=StrEnum)


def _member(kind: type[Member], name: str, text: str) -> Member:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise ValueError(f"{text!r}: {name!r} is none of {known}") from None


def _layer(text: str | None) -> int | None:
    return None if text in (None, "*") else int(text)


def _heads(text: str | None) -> tuple[int, ...] | None:
    return None if text in (None, "*") else tuple(sorted({int(part) for part in text.split(",")}))


def _validate(value: object) -> Site:
    if isinstance(value, Site):
        return value
    if isinstance(value, str):
        return Site.parse(value)
    raise ValueError(f"{value!r} is not a site; write for instance L1H3.pattern[query]")


SiteField = Annotated[
    Site,
    BeforeValidator(_validate),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["L1H3.pattern[query]", "L1H0,1.v"]}),
]
