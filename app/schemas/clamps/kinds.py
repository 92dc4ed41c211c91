"""Clamps: changes at sites, as data. A run's clamps form its program.

Each kind is one class: its fields are what a user sets, its class attributes what the catalogue,
the form and the drawings need to know, its methods what checks, sentences and programs ask it. Its
place in `KINDS` registers it. `app.schemas.clamps.check` says which programs can be,
`worker.science.clamps.program` makes edits of them. Source: arXiv 2404.07129, "artificial
optogenetics", and its published code, whose option each docstring names.

However a program is written, clamps act in three phases: what is taken from a reference pass, then
what is rescaled, then what is set. Their order in the list means nothing.
"""

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Union

from pydantic import Discriminator, Tag, field_validator

from app.schemas.clamps.base import (
    ACTIVATIONS,
    ALL_POINTS,
    BEFORE_MATCH,
    EVERYWHERE,
    WHOLE,
    BaseClamp,
    Light,
    Phase,
    Picks,
    Sites,
    Source,
    Step,
)
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import HIDDEN, ZERO, Name
from app.schemas.clamps.nodes import LOGITS, FlowPass, Node
from app.schemas.clamps.phrases import (
    ROLES,
    attend,
    checkpoint_words,
    layer_of,
    many,
    place,
    subject,
    verb,
)
from app.schemas.clamps.site import HEAD_POINTS, Point, Positions, Site
from app.schemas.option import option
from app.schemas.words import either


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


class MeanAblate(BaseClamp):
    """The activation is its mean over the batch (each evaluator's own), from an unclamped pass."""

    title: ClassVar[str] = "Mean ablation"
    light: ClassVar[Light] = Light.SILENCED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "mean"
    made_from: ClassVar[Source] = Source.MEAN

    kind: Literal["mean_ablate"] = "mean_ablate"
    gradient: Literal["through", "stop"] = option(
        "through", "Gradient", "Whether the unclamped pass is trained through this clamp."
    )

    def sentence(self, site: Site, heads: int) -> str:
        stopped = _stopped(self.gradient)
        return f"{place(site, heads)} {verb(site)} the mean over the batch, unclamped{stopped}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.mean(at.unclamped[node])


class Resample(BaseClamp):
    """The activation is that of another sequence of the batch (the one before), unclamped."""

    title: ClassVar[str] = "Resampling ablation"
    light: ClassVar[Light] = Light.SILENCED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "resampled"
    made_from: ClassVar[Source] = Source.OTHER

    kind: Literal["resample"] = "resample"
    gradient: Literal["through", "stop"] = option(
        "through", "Gradient", "Whether the unclamped pass is trained through this clamp."
    )

    def sentence(self, site: Site, heads: int) -> str:
        stopped = _stopped(self.gradient)
        return f"{place(site, heads)} {verb(site)} another sequence's, unclamped{stopped}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.elsewhere(at.unclamped[node])


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
        stopped = _stopped(self.gradient)
        return f"{place(site, heads)} {are} what {they} would be unclamped{stopped}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.unclamped[node]


class GraftIn(BaseClamp):
    """Everything up to a layer is that of another run's checkpoint, frozen, with that run's own
    program: the residual stream after the layer is taken from it."""

    title: ClassVar[str] = "Graft in"
    paper: ClassVar[str | None] = "graft_in"
    light: ClassVar[Light] = Light.PRESERVED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(frozenset({Point.RESID}), WHOLE, Picks.LAYER)
    usual: ClassVar[str] = "L0.resid"
    badge: ClassVar[str] = "grafted"
    made_from: ClassVar[Source] = Source.GRAFT

    kind: Literal["graft_in"] = "graft_in"
    checkpoint: str = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
        pattern=r"^([0-9A-Za-z_-]+@\d+|file:.+)$",
    )

    def sentence(self, site: Site, heads: int) -> str:
        whose = checkpoint_words(self.checkpoint)
        return f"Everything up to {layer_of(site)} is that of {whose}, frozen"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.leaf("graft", self.checkpoint, node.layer, node.row)


class Scale(BaseClamp):
    """The activation is multiplied by a factor."""

    title: ClassVar[str] = "Scale"
    phase: ClassVar[Phase] = Phase.TRANSFORM
    sites: ClassVar[Sites] = Sites(ALL_POINTS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "scaled"
    made_from: ClassVar[Source] = Source.FACTOR

    kind: Literal["scale"] = "scale"
    by: float = option(0.5, "Factor", "What the activation is multiplied by.", ge=-1000, le=1000)

    @field_validator("by")
    @classmethod
    def _changes_something(cls, by: float) -> float:
        if by == 1:
            raise ValueError("a factor of 1 changes nothing")
        return by

    def sentence(self, site: Site, heads: int) -> str:
        return f"{place(site, heads)} {verb(site)} multiplied by {self.by:g}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.scaled(name, self.by)

    def numbers(self) -> Mapping[str, float]:
        return {"factor": self.by}


class Temperature(BaseClamp):
    """Scores are divided by a temperature before softmax: below 1 sharper, above 1 flatter. Acts on
    the live scores; the published code freezes those of the whole layer to an unclamped pass, which
    a `preserve` at `L1.score` beside it does too."""

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


class SetConstant(BaseClamp):
    """The activation is a constant: one number, or one per feature of the site (at patterns and
    scores: one per key token). What the causal mask hides stays hidden."""

    title: ClassVar[str] = "Constant"
    sites: ClassVar[Sites] = Sites(ALL_POINTS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "constant"

    kind: Literal["set"] = "set"
    value: float | tuple[float, ...] = option(
        0.0, "Value", "One number, or a list with one per feature."
    )

    def sentence(self, site: Site, heads: int) -> str:
        value = self.value
        if isinstance(value, tuple):
            what = f"set to {len(value)} numbers"
        else:
            what = f"{value:g} everywhere"
        return f"{place(site, heads)} {verb(site)} {what}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        if not isinstance(self.value, tuple):
            return at.names.number(self.value)
        if node.key >= 0:  # over key tokens; a longer context than this has zeros or more there
            return at.names.number(self.value[min(node.key, len(self.value) - 1)])
        if len(set(self.value)) == 1:
            return at.names.number(self.value[0])
        return at.names.constant("set", self.value)


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
        who = f"{subject(site, heads)} always {attend(site, heads)}"
        return f"{who} from the query to {_induction_words(self.strength)}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return _shared_by_labels(self, at, node)

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
        who = f"{subject(site, heads)} always {attend(site, heads)}"
        rows = "each label token" if site.positions is Positions.LABELS else "every token"
        strength = self.strength
        rest = "" if strength == 1 else f", with strength {strength:g} and the rest on itself"
        return f"{who} from {rows} to the token before it{rest}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        rest = 1.0 if node.row == 0 else 1 - self.strength
        return at.names.number({node.row: rest, node.row - 1: self.strength}.get(node.key, 0.0))


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
        who = f"{subject(site, heads)} always {attend(site, heads)}"
        soft = f", at temperature {self.temperature:g}" if self.temperature else ""
        return f"{who} from the query to the label whose exemplar looks most like it{soft}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return _shared_by_labels(self, at, node)

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


class GraftOut(BaseClamp):
    """Everything after a layer is that of another run's checkpoint, frozen and without clamps: the
    residual stream after the layer goes on in it, and its logits are the output."""

    title: ClassVar[str] = "Graft out"
    paper: ClassVar[str | None] = "graft_out"
    light: ClassVar[Light] = Light.PRESERVED
    sites: ClassVar[Sites] = Sites(frozenset({Point.RESID}), WHOLE, Picks.LAYER)
    usual: ClassVar[str] = "L0.resid"
    badge: ClassVar[str] = "goes on"
    steps_after_site: ClassVar[bool] = True
    made_from: ClassVar[Source] = Source.GRAFT_OUT

    kind: Literal["graft_out"] = "graft_out"
    checkpoint: str = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
        pattern=r"^([0-9A-Za-z_-]+@\d+|file:.+)$",
    )

    def sentence(self, site: Site, heads: int) -> str:
        whose = checkpoint_words(self.checkpoint)
        return f"Everything after {layer_of(site)} is that of {whose}, frozen"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        """The donor's last layers read every token; beyond its last, only the query through a
        norm."""
        layer, last = self.site.layer or 0, at.dimensions.tokens - 1
        if layer == at.dimensions.layers - 1:
            read = [at.names.normed(at.seen[Node(Point.RESID, layer, row=last)])]
        else:
            read = [at.seen[Node(Point.RESID, layer, row=t)] for t in range(last + 1)]
        return at.names.of(("grafted", self.checkpoint, layer), *read)

    def touched(self, nodes: frozenset[Node], dimensions: Dimensions) -> frozenset[Node]:
        return frozenset({LOGITS})


def _stopped(gradient: str) -> str:
    return ", without gradient" if gradient == "stop" else ""


def _induction_words(strength: float) -> str:
    if strength == 1:
        return "the correct label"
    if strength == 0:
        return "the wrong label"
    return f"the correct label with strength {strength:g}, to the wrong one with {1 - strength:g}"


def _shared_by_labels(clamp: InductionPattern | MatchPattern, at: FlowPass, node: Node) -> Name:
    """Patterns whose weights depend on the batch: a share of the label tokens each."""
    if node.key % 2 == 0:
        return ZERO
    row = at.names.leaf(clamp.target, clamp.model_dump_json(include={"strength", "temperature"}))
    return at.names.share(row, node.key, at.dimensions.context_pairs)


# In the order in which assignments act where a published option overrides another.
KINDS: tuple[type[BaseClamp], ...] = (
    InductionPattern,
    PreviousTokenPattern,
    Ablate,
    PerfectLayer1,
    PerfectCopy,
    Preserve,
    MatchPattern,
    ForbidPreviousToken,
    ForbidNonLabels,
    Temperature,
    Scale,
    SetConstant,
    MeanAblate,
    Resample,
    GraftIn,
    GraftOut,
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


# One flat union, told apart by a function: OpenAPI knows no discriminator of two fields.
if TYPE_CHECKING:
    Clamp = BaseClamp
else:
    Clamp = Annotated[
        Union[tuple(Annotated[kind, Tag(".".join(_fixed(kind)))] for kind in KINDS)],  # noqa: UP007
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
