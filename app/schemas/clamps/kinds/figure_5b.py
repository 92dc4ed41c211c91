"""The clamps of the paper's Fig. 5b: one step of the circuit given, others taken away."""

from collections.abc import Mapping
from itertools import product
from typing import ClassVar, Literal

from app.schemas.clamps.base import (
    ACTIVATIONS,
    BEFORE_MATCH,
    EVERYWHERE,
    WHOLE,
    BaseClamp,
    Constant,
    Light,
    Picks,
    Sites,
    Source,
    Step,
)
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import ZERO, Name
from app.schemas.clamps.nodes import LOGITS, FlowPass, Node, share_of_labels
from app.schemas.clamps.phrases import (
    attend,
    many,
    place,
    subject,
    verb,
)
from app.schemas.clamps.site import Point, Positions, Site
from app.schemas.option import option


class InductionPattern(BaseClamp):
    """The query attends to the label tokens of its own class with a strength, to the other label
    tokens with the rest (step 4). Charts show 2 x strength - 1 for two labels in context."""

    title: ClassVar[str] = "Induction pattern"
    paper: ClassVar[str | None] = "induction_heads, induction_head_strength"
    sites: ClassVar[Sites] = Sites(frozenset({Point.PATTERN}), (Positions.QUERY,))
    usual: ClassVar[str] = "L1H3.pattern[query]"
    badge: ClassVar[str] = "induction"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.MATCH,)
    spares: ClassVar[tuple[Step, ...]] = BEFORE_MATCH
    made_from: ClassVar[Source] = Source.LABELS
    rank: ClassVar[int] = 1

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["induction"] = "induction"
    strength: float = option(
        1.0,
        "Strength",
        "Attention on the correct label; the rest goes to the wrong one.",
        ge=0,
        le=1,
    )

    def sentence(self, site: Site, heads: int) -> str:
        who = f"{subject(site, heads)} {self.always}{attend(site, heads)}"
        return f"{who} from the query to {_induction_words(self.strength)}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return share_of_labels(at, node, self.target, self.numbers())

    def numbers(self) -> Mapping[str, float]:
        return {"strength": self.strength}


class PreviousTokenPattern(BaseClamp):
    """Every token attends to the one before it with a strength, to itself with the rest; token 0 to
    itself (step 1)."""

    title: ClassVar[str] = "Previous-token pattern"
    paper: ClassVar[str | None] = "prev_token_heads, prev_token_head_strength, ..._only_label"
    sites: ClassVar[Sites] = Sites(frozenset({Point.PATTERN}), (Positions.ALL, Positions.LABELS))
    usual: ClassVar[str] = "L0H2.pattern"
    badge: ClassVar[str] = "previous"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.ATTEND_BACK,)
    rank: ClassVar[int] = 0

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["previous_token"] = "previous_token"
    strength: float = option(
        1.0, "Strength", "Attention on the token before; the rest stays on itself.", ge=0, le=1
    )

    def sentence(self, site: Site, heads: int) -> str:
        who = f"{subject(site, heads)} {self.always}{attend(site, heads)}"
        rows = "each label token" if site.positions is Positions.LABELS else "every token"
        strength = self.strength
        rest = "" if strength == 1 else f", with strength {strength:g} and the rest on itself"
        return f"{who} from {rows} to the token before it{rest}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        rest = 1.0 if node.row == 0 else 1 - self.strength
        return at.names.number({node.row: rest, node.row - 1: self.strength}.get(node.key, 0.0))

    def constant(self, tokens: int) -> Constant:
        """Row i: `strength` on i - 1, the rest on i; row 0 on itself. Paper section 3, option 9."""
        rest = [1.0] + [1 - self.strength] * (tokens - 1)
        return tuple(
            tuple({row: rest[row], row - 1: self.strength}.get(key, 0.0) for key in range(tokens))
            for row in range(tokens)
        )


class Ablate(BaseClamp):
    """Silence: the activation is zero. At `v`, heads write nothing."""

    title: ClassVar[str] = "Ablate"
    paper: ClassVar[str | None] = "ablate_heads, ablate_embedding"
    light: ClassVar[Light] = Light.SILENCED
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.v"
    badge: ClassVar[str] = "silenced"

    kind: Literal["ablate"] = "ablate"

    def sentence(self, site: Site, heads: int) -> str:
        if site.point is Point.V and site.positions is Positions.ALL:
            what = "are silenced: they write" if many(site, heads) else "is silenced: it writes"
            return f"{subject(site, heads)} {what} nothing"
        return f"{place(site, heads)} {verb(site)} zero"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return ZERO

    def constant(self, tokens: int) -> Constant:
        return 0.0


class PerfectLayer1(BaseClamp):
    """Layer 1 works perfectly (steps 1 and 2): queries and keys of layer 2 are made from the
    embedding of the token before (tokens 1 to the last but one), its values and the residual
    stream from the plain embeddings."""

    title: ClassVar[str] = "Perfect layer 1"
    paper: ClassVar[str | None] = "specific_fn perfect_prev_token_input"
    sites: ClassVar[Sites] = Sites(frozenset({Point.RESID}), WHOLE, Picks.LAYER)
    usual: ClassVar[str] = "L0.resid"
    needs_two_layers: ClassVar[bool] = True
    badge: ClassVar[str] = "perfect"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.ATTEND_BACK, Step.COPY_BACK)

    kind: Literal["perfect_layer1"] = "perfect_layer1"

    def sentence(self, site: Site, heads: int) -> str:
        return (
            "Layer 1 works perfectly: layer 2 reads the token before for its queries and keys, "
            "and plain embeddings for its values"
        )

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        is_shifted = node.point is not Point.RESID and 0 < node.row < at.dimensions.tokens - 1
        return at.embedded(node.row - 1 if is_shifted else node.row)

    def source_at(self, point: Point) -> Source:
        return Source.EMBEDDED if point is Point.RESID else Source.SHIFTED

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        reads = product((Point.Q_INPUT, Point.K_INPUT), range(dimensions.tokens))
        return nodes | {Node(point, 1, row=row) for point, row in reads}


class PerfectCopy(BaseClamp):
    """A head's attention is copied to the output perfectly (steps 3v and 5): the logit of a label
    is the head's score from the query to that label's token (log-sum-exp of several), others -1e9.
    """

    title: ClassVar[str] = "Perfect copy"
    paper: ClassVar[str | None] = "perfect_copy_from_head_pattern"
    sites: ClassVar[Sites] = Sites(frozenset({Point.SCORE}), (Positions.QUERY,), Picks.HEAD)
    usual: ClassVar[str] = "L1H3.score[query]"
    badge: ClassVar[str] = "copied"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.READ_VALUE, Step.COPY_OUT)
    made_from: ClassVar[Source] = Source.COPY

    kind: Literal["perfect_copy"] = "perfect_copy"
    source: Literal["live", "unclamped"] = option(
        "live",
        "Scores from",
        "This pass, or an unclamped one as in the published code, where other clamps do nothing.",
    )

    def sentence(self, site: Site, heads: int) -> str:
        source = ", taken from an unclamped pass" if self.reads_unclamped else ""
        return f"The output copies {subject(site, heads).lower()}: the scores of its labels{source}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        layer, (head,) = self.site.layer or 0, self.site.heads or (0,)
        seen = at.unclamped if self.reads_unclamped else at.seen
        query = at.dimensions.tokens - 1
        scores = [seen[Node(Point.SCORE, layer, head, query, key)] for key in range(1, query, 2)]
        labels = at.names.leaf("labels")  # whose scores they are differs between sequences
        return at.names.of("copy", labels, *scores)

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        return frozenset({LOGITS})

    @property
    def reads_unclamped(self) -> bool:
        return self.source == "unclamped"


def _induction_words(strength: float) -> str:
    if strength == 1:
        return "the correct label"
    if strength == 0:
        return "the wrong label"
    return f"the correct label with strength {strength:g}, to the wrong one with {1 - strength:g}"


KINDS: tuple[type[BaseClamp], ...] = (
    InductionPattern,
    PreviousTokenPattern,
    Ablate,
    PerfectLayer1,
    PerfectCopy,
)
