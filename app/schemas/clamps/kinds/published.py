"""What else the published code can clamp at a head or a layer."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from app.schemas.clamps.base import (
    ACTIVATIONS,
    BEFORE_MATCH,
    EVERYWHERE,
    MASKED,
    BaseClamp,
    Constant,
    Light,
    Phase,
    Sites,
    Source,
    Step,
)
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import HIDDEN, Name
from app.schemas.clamps.nodes import FlowPass, Node, share_of_labels
from app.schemas.clamps.phrases import (
    ROLES,
    attend,
    place,
    stopped,
    subject,
    verb,
)
from app.schemas.clamps.site import Point, Positions, Site
from app.schemas.option import option


class Preserve(BaseClamp):
    """The activation is what it is in a pass of the same weights without any clamp."""

    title: ClassVar[str] = "Preserve"
    paper: ClassVar[str | None] = "preserve_patterns, preserve_values, preserve_queries, ..._keys"
    light: ClassVar[Light] = Light.PRESERVED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L*.pattern"
    badge: ClassVar[str] = "preserved"
    made_from: ClassVar[Source] = Source.UNCLAMPED

    kind: Literal["preserve"] = "preserve"
    gradient: Literal["through", "stop"] = option(
        "through",
        "Gradient",
        "Whether the unclamped pass is trained through this clamp; the published code does.",
    )

    def sentence(self, site: Site, heads: int) -> str:
        are, they = ("are", "they") if verb(site) == "are" else ("is", "it")
        end = stopped(self.is_stopped)
        return f"{place(site, heads)} {are} what {they} would be unclamped{end}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.unclamped[node]

    @property
    def is_stopped(self) -> bool:
        return self.gradient == "stop"


class MatchPattern(BaseClamp):
    """The query attends to the label tokens by how much their exemplars look like it: softmax of
    the cosine of raw features over a temperature; 0 takes the most alike."""

    title: ClassVar[str] = "Match pattern"
    paper: ClassVar[str | None] = "match_heads, match_head_temperature"
    sites: ClassVar[Sites] = Sites(frozenset({Point.PATTERN}), (Positions.QUERY,))
    usual: ClassVar[str] = "L1H3.pattern[query]"
    badge: ClassVar[str] = "match"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.MATCH,)
    spares: ClassVar[tuple[Step, ...]] = BEFORE_MATCH
    made_from: ClassVar[Source] = Source.ALIKE
    rank: ClassVar[int] = 2

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["match"] = "match"
    temperature: float = option(
        0.0, "Temperature", "Of the softmax over cosines; 0 takes the most alike.", ge=0, le=1000
    )

    def sentence(self, site: Site, heads: int) -> str:
        who = f"{subject(site, heads)} {self.always}{attend(site, heads)}"
        soft = f", at temperature {self.temperature:g}" if self.temperature else ""
        return f"{who} from the query to the label whose exemplar looks most like it{soft}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return share_of_labels(at, node, self.target, self.numbers())

    def numbers(self) -> Mapping[str, float]:
        return {"temperature": self.temperature}


class ForbidPreviousToken(BaseClamp):
    """Tokens cannot attend to the one before them: those scores are -1e9."""

    title: ClassVar[str] = "Forbid previous token"
    paper: ClassVar[str | None] = "disallow_prev_token_heads, disallow_prev_token_only_label"
    light: ClassVar[Light] = Light.SILENCED
    sites: ClassVar[Sites] = Sites(frozenset({Point.SCORE}), EVERYWHERE)
    usual: ClassVar[str] = "L0H2.score"
    badge: ClassVar[str] = "not previous"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.ATTEND_BACK,)
    rank: ClassVar[int] = 3

    kind: Literal["forbid"] = "forbid"
    target: Literal["previous_token"] = "previous_token"

    def sentence(self, site: Site, heads: int) -> str:
        rows = ROLES[site.positions]
        return f"{subject(site, heads)} cannot attend to the token before{rows}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return HIDDEN

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        return frozenset(node for node in nodes if node.key == node.row - 1)

    def constant(self, tokens: int) -> Constant:
        return MASKED


class ForbidNonLabels(BaseClamp):
    """The query attends to label tokens only: its other scores are -1e9."""

    title: ClassVar[str] = "Label tokens only"
    paper: ClassVar[str | None] = "final_layer_silence_non_label_attn"
    light: ClassVar[Light] = Light.SILENCED
    sites: ClassVar[Sites] = Sites(frozenset({Point.SCORE}), (Positions.QUERY,))
    usual: ClassVar[str] = "L1H3.score[query]"
    badge: ClassVar[str] = "labels only"
    steps: ClassVar[tuple[Step, ...] | None] = ()

    kind: Literal["forbid"] = "forbid"
    target: Literal["non_labels"] = "non_labels"

    def sentence(self, site: Site, heads: int) -> str:
        who = f"{subject(site, heads)} {attend(site, heads)}"
        return f"{who} from the query to label tokens only"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return HIDDEN

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        return frozenset(node for node in nodes if node.key % 2 == 0)

    def constant(self, tokens: int) -> Constant:
        return MASKED


class Temperature(BaseClamp):
    """Scores are divided by a temperature before softmax: below 1 sharper, above 1 flatter. Acts on
    the live scores; the published code freezes those of the whole layer to an unclamped pass, which
    a `preserve` of its scores beside it does too."""

    title: ClassVar[str] = "Head temperature"
    paper: ClassVar[str | None] = "set_head_temperature"
    phase: ClassVar[Phase] = Phase.TRANSFORM
    sites: ClassVar[Sites] = Sites(frozenset({Point.SCORE}), EVERYWHERE)
    usual: ClassVar[str] = "L1H3.score"
    badge: ClassVar[str] = "temp."
    made_from: ClassVar[Source] = Source.FACTOR

    kind: Literal["temperature"] = "temperature"
    temperature: float = option(
        0.5, "Temperature", "What the scores are divided by.", gt=0, le=1000
    )

    @field_validator("temperature")
    @classmethod
    def _changes_something(cls, temperature: float) -> float:
        if temperature == 1:
            raise ValueError("a temperature of 1 changes nothing")
        return temperature

    def sentence(self, site: Site, heads: int) -> str:
        how = "sharper" if self.temperature < 1 else "flatter"
        who = f"{subject(site, heads)} {attend(site, heads)}"
        return f"{who} {how}{ROLES[site.positions]}: at temperature {self.temperature:g}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.scaled(name, 1 / self.temperature)

    def numbers(self) -> Mapping[str, float]:
        return {"factor": 1 / self.temperature}


KINDS: tuple[type[BaseClamp], ...] = (
    Preserve,
    MatchPattern,
    ForbidPreviousToken,
    ForbidNonLabels,
    Temperature,
)
