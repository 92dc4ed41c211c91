"""What all clamps have in common, and the words that describe a kind of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, Self

from pydantic import ConfigDict, field_validator, model_validator

from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import Name
from app.schemas.clamps.nodes import FlowPass, Node
from app.schemas.clamps.site import Point, Positions, Site, SiteField
from app.schemas.numbers import LARGEST, Numbers
from app.schemas.option import option

# A number, one per feature (at patterns and scores: per key), or a row of keys for every token.
Constant = float | tuple[float, ...] | tuple[tuple[float, ...], ...]
MASKED = -1e9  # a score that softmax turns into exactly 0, and still finite


class Light(StrEnum):
    """What a clamp does to what it touches; a colour everywhere."""

    DRIVEN = "driven"  # set to something
    SILENCED = "silenced"  # taken away
    PRESERVED = "preserved"  # taken from a reference pass


class Phase(IntEnum):
    """When a clamp acts on its site, whatever its place in the program."""

    REFERENCE = 0
    TRANSFORM = 1
    ASSIGN = 2


class Step(StrEnum):
    """Steps of the induction circuit, numbered as in the paper (Fig. 5b)."""

    ATTEND_BACK = "1"  # previous-token heads attend one token back
    COPY_BACK = "2"  # and copy what they find into the label's residual stream
    READ_QUERY = "3q"  # layer 2 makes its query from the query token
    READ_KEY = "3k"  # its keys from what was copied
    READ_VALUE = "3v"  # and its values from the labels
    MATCH = "4"  # the query finds the label after its like
    COPY_OUT = "5"  # and copies it to the output


class Picks(StrEnum):
    """How much of the model one site of a kind can name."""

    ANY = "any"  # heads, layers, or the whole model
    LAYER = "layer"  # one layer
    HEAD = "head"  # one head


@dataclass(frozen=True)
class Sites:
    """Where a kind of clamp can be: points, and which roles of tokens (rows) it covers there."""

    points: frozenset[Point]
    positions: tuple[Positions, ...]
    picks: Picks = Picks.ANY


EVERYWHERE = tuple(Positions)
WHOLE = (Positions.ALL,)
ALL_POINTS = frozenset(Point)
ACTIVATIONS = ALL_POINTS - {Point.LOGITS}
BEFORE_MATCH = (Step.ATTEND_BACK, Step.COPY_BACK, Step.READ_QUERY, Step.READ_KEY)


class Source(StrEnum):
    """What a part's value is made from."""

    CONSTANT = "constant"
    FACTOR = "factor"  # times the activation itself
    LABELS = "labels"  # shares of the label tokens: induction
    ALIKE = "alike"  # shares by how alike exemplars look: match
    UNCLAMPED = "unclamped"  # the same site in a pass without clamps
    MEAN = "mean"  # its mean over the batch
    OTHER = "other"  # its value in another sequence
    EMBEDDED = "embedded"  # the embedding of this pass
    SHIFTED = "shifted"  # that of the token before
    GRAFT = "graft"  # the same site in a donor
    COPY = "copy"  # a head's scores, as logits
    GRAFT_OUT = "graft_out"  # the logits of a donor that goes on from here


AFTERWARDS = frozenset({Source.COPY, Source.GRAFT_OUT})  # made from activations of the whole pass


class BaseClamp(Numbers, ABC):
    """What all clamps have: a site, and a window of training in which the light is on.

    A kind says all about itself: its class attributes and the methods below are what catalogue,
    form, drawings, sentences, checks and programs ask it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: ClassVar[str]
    paper: ClassVar[str | None] = None  # the published code's option
    light: ClassVar[Light] = Light.DRIVEN
    phase: ClassVar[Phase] = Phase.ASSIGN
    sites: ClassVar[Sites]
    usual: ClassVar[str]  # a site to start from
    needs_two_layers: ClassVar[bool] = False
    badge: ClassVar[str] = ""  # a word for a head's cell; empty: the title
    # Of the circuit's steps, those it is made for (None: those at its site; grafting out: those
    # after it), and those that are not needed then.
    steps: ClassVar[tuple[Step, ...] | None] = None
    steps_after_site: ClassVar[bool] = False
    spares: ClassVar[tuple[Step, ...]] = ()
    made_from: ClassVar[Source] = Source.CONSTANT
    rank: ClassVar[int] = 4  # later ones win where a program (of the published code) sets twice

    site: SiteField
    from_sequences: int = option(
        0,
        "On from",
        "The light is on for sequences from this one.",
        unit="sequences",
        ge=0,
        le=LARGEST,
    )
    until_sequences: int | None = option(
        None,
        "Off from",
        "And off again from this one; empty: never.",
        unit="sequences",
        ge=1,
        le=LARGEST,
    )

    @field_validator("site")
    @classmethod
    def _can_be_there(cls, site: Site) -> Site:
        if site.point not in cls.sites.points:
            points = ", ".join(p for p in Point if p in cls.sites.points)
            raise ValueError(
                f"{site}: {cls.title.lower()} acts at {points}; write for instance {cls.usual}"
            )
        if site.positions not in cls.sites.positions:
            forms = " or ".join(
                "all" if p is Positions.ALL else f"[{p}]" for p in cls.sites.positions
            )
            raise ValueError(
                f"{site}: {cls.title.lower()} covers the positions {forms}; "
                f"write for instance {cls.usual}"
            )
        if not _names_few_enough(site, cls.sites.picks):
            raise ValueError(
                f"{site}: {cls.title.lower()} needs one {cls.sites.picks}; "
                f"write for instance {cls.usual}"
            )
        return site

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.until_sequences is not None and self.until_sequences <= self.from_sequences:
            raise ValueError(
                f"{self.site}: until_sequences {self.until_sequences:,} must lie after "
                f"from_sequences {self.from_sequences:,}"
            )
        return self

    @abstractmethod
    def sentence(self, site: Site, heads: int) -> str:
        """What it does at a site in one layer, for people; without the full stop."""

    @abstractmethod
    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        """What it makes of one value: the pass it acts in, the place, the value's name before."""

    def source_at(self, point: Point) -> Source:
        """What its value at a point is made from."""
        return self.made_from

    def numbers(self) -> Mapping[str, float]:
        """What its value is made from besides, by the names that `worker.science.clamps.edits`
        knows; equal for all that it covers."""
        return {}

    def constant(self, tokens: int) -> Constant:
        """The value of what is made from `Source.CONSTANT`. Such a kind without one is a mistake
        of ours, and ends the run: it would train with zeros."""
        raise TypeError(f"{type(self).__name__} says no constant")

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        """What it changes, given all that is at its site."""
        return nodes

    @property
    def is_stopped(self) -> bool:
        """Whether nothing is trained through the reference pass that it reads."""
        return False

    @property
    def donor(self) -> str | None:
        """The checkpoint whose layers it grafts, if it does."""
        return None

    @property
    def reads_unclamped(self) -> bool:
        """Whether what it copies is from a pass without clamps."""
        return False

    @property
    def always(self) -> str:
        """The word before what it does; none where the light is off for a part of training."""
        return "" if self.is_windowed else "always "

    @property
    def is_windowed(self) -> bool:
        """Whether the light is switched while training."""
        return self.from_sequences > 0 or self.until_sequences is not None

    def is_on(self, sequence: int) -> bool:
        """Whether the light is on for the training sequence with this number, from 0."""
        before_end = self.until_sequences is None or sequence < self.until_sequences
        return self.from_sequences <= sequence and before_end


def _names_few_enough(site: Site, picks: Picks) -> bool:
    if picks is Picks.HEAD:
        return site.layer is not None and site.heads is not None and len(site.heads) == 1
    return picks is Picks.ANY or site.layer is not None
