"""Clamps: changes at sites, as data. A run's clamps form its program.

Each kind is one class: its fields are what a user sets, its class attributes what the catalogue,
the form and the drawings need to know. `app.schemas.clamps.check` says which programs can be,
`worker.science.clamps.program` makes edits of them. Source: arXiv 2404.07129, "artificial
optogenetics", and its published code, whose option each docstring names.

However a program is written, clamps act in three phases: what is taken from a reference pass, then
what is rescaled, then what is set. Their order in the list means nothing.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

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
    Step,
)
from app.schemas.clamps.site import HEAD_POINTS, Point, Positions
from app.schemas.option import option


class Ablate(BaseClamp):
    """Silence: the activation is zero. At `v`, heads write nothing."""

    title: ClassVar[str] = "Ablate"
    paper: ClassVar[str | None] = "ablate_heads, ablate_embedding"
    light: ClassVar[Light] = Light.SILENCED
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.v"
    badge: ClassVar[str] = "silenced"

    kind: Literal["ablate"] = "ablate"


class MeanAblate(BaseClamp):
    """The activation is its mean over the batch (each evaluator's own), from an unclamped pass."""

    title: ClassVar[str] = "Mean ablation"
    light: ClassVar[Light] = Light.SILENCED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "mean"

    kind: Literal["mean_ablate"] = "mean_ablate"
    gradient: Literal["through", "stop"] = option(
        "through", "Gradient", "Whether the unclamped pass is trained through this clamp."
    )


class Resample(BaseClamp):
    """The activation is that of another sequence of the batch (the one before), unclamped."""

    title: ClassVar[str] = "Resampling ablation"
    light: ClassVar[Light] = Light.SILENCED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "resampled"

    kind: Literal["resample"] = "resample"
    gradient: Literal["through", "stop"] = option(
        "through", "Gradient", "Whether the unclamped pass is trained through this clamp."
    )


class Preserve(BaseClamp):
    """The activation is what it is in a pass of the same weights without any clamp."""

    title: ClassVar[str] = "Preserve"
    paper: ClassVar[str | None] = "preserve_patterns, preserve_values, preserve_queries, ..._keys"
    light: ClassVar[Light] = Light.PRESERVED
    phase: ClassVar[Phase] = Phase.REFERENCE
    sites: ClassVar[Sites] = Sites(ACTIVATIONS, EVERYWHERE)
    usual: ClassVar[str] = "L*.pattern"
    badge: ClassVar[str] = "preserved"

    kind: Literal["preserve"] = "preserve"
    gradient: Literal["through", "stop"] = option(
        "through",
        "Gradient",
        "Whether the unclamped pass is trained through this clamp; the published code does.",
    )


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

    kind: Literal["graft_in"] = "graft_in"
    checkpoint: str = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
        pattern=r"^([0-9A-Za-z_-]+@\d+|file:.+)$",
    )


class Scale(BaseClamp):
    """The activation is multiplied by a factor."""

    title: ClassVar[str] = "Scale"
    phase: ClassVar[Phase] = Phase.TRANSFORM
    sites: ClassVar[Sites] = Sites(ALL_POINTS, EVERYWHERE)
    usual: ClassVar[str] = "L1H3.z"
    badge: ClassVar[str] = "scaled"

    kind: Literal["scale"] = "scale"
    by: float = option(0.5, "Factor", "What the activation is multiplied by.", ge=-1000, le=1000)

    @field_validator("by")
    @classmethod
    def _changes_something(cls, by: float) -> float:
        if by == 1:
            raise ValueError("a factor of 1 changes nothing")
        return by


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

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["induction"] = "induction"
    strength: float = option(
        1.0,
        "Strength",
        "Attention on the correct label; the rest goes to the wrong one.",
        ge=0,
        le=1,
    )


class PreviousTokenPattern(BaseClamp):
    """Every token attends to the one before it with a strength, to itself with the rest; token 0 to
    itself (step 1)."""

    title: ClassVar[str] = "Previous-token pattern"
    paper: ClassVar[str | None] = "prev_token_heads, prev_token_head_strength, ..._only_label"
    sites: ClassVar[Sites] = Sites(frozenset({Point.PATTERN}), (Positions.ALL, Positions.LABELS))
    usual: ClassVar[str] = "L0H2.pattern"
    badge: ClassVar[str] = "previous"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.ATTEND_BACK,)

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["previous_token"] = "previous_token"
    strength: float = option(
        1.0, "Strength", "Attention on the token before; the rest stays on itself.", ge=0, le=1
    )


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

    kind: Literal["set_pattern"] = "set_pattern"
    target: Literal["match"] = "match"
    temperature: float = option(
        0.0, "Temperature", "Of the softmax over cosines; 0 takes the most alike.", ge=0, le=1000
    )


class ForbidPreviousToken(BaseClamp):
    """Tokens cannot attend to the one before them: those scores are -1e9."""

    title: ClassVar[str] = "Forbid previous token"
    paper: ClassVar[str | None] = "disallow_prev_token_heads, disallow_prev_token_only_label"
    light: ClassVar[Light] = Light.SILENCED
    sites: ClassVar[Sites] = Sites(frozenset({Point.SCORE}), EVERYWHERE)
    usual: ClassVar[str] = "L0H2.score"
    badge: ClassVar[str] = "not previous"
    steps: ClassVar[tuple[Step, ...] | None] = (Step.ATTEND_BACK,)

    kind: Literal["forbid"] = "forbid"
    target: Literal["previous_token"] = "previous_token"


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

    kind: Literal["perfect_copy"] = "perfect_copy"
    source: Literal["live", "unclamped"] = option(
        "live",
        "Scores from",
        "This pass, or an unclamped one as in the published code, where other clamps do nothing.",
    )


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

    kind: Literal["graft_out"] = "graft_out"
    checkpoint: str = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
        pattern=r"^([0-9A-Za-z_-]+@\d+|file:.+)$",
    )


def _tag(clamp: object) -> str | None:
    """Which kind a clamp is of: `ablate`, `set_pattern.induction`."""

    def given(name: str) -> object:
        return clamp.get(name) if isinstance(clamp, Mapping) else getattr(clamp, name, None)

    kind, target = given("kind"), given("target")
    if kind is None:
        return None
    return f"{kind}.{target}" if kind in _TARGETED else str(kind)


_TARGETED = ("set_pattern", "forbid")

# One flat union, told apart by a function: OpenAPI knows no discriminator of two fields.
Clamp = Annotated[
    Annotated[Ablate, Tag("ablate")]
    | Annotated[MeanAblate, Tag("mean_ablate")]
    | Annotated[Resample, Tag("resample")]
    | Annotated[Preserve, Tag("preserve")]
    | Annotated[GraftIn, Tag("graft_in")]
    | Annotated[Scale, Tag("scale")]
    | Annotated[Temperature, Tag("temperature")]
    | Annotated[SetConstant, Tag("set")]
    | Annotated[InductionPattern, Tag("set_pattern.induction")]
    | Annotated[PreviousTokenPattern, Tag("set_pattern.previous_token")]
    | Annotated[MatchPattern, Tag("set_pattern.match")]
    | Annotated[ForbidPreviousToken, Tag("forbid.previous_token")]
    | Annotated[ForbidNonLabels, Tag("forbid.non_labels")]
    | Annotated[PerfectLayer1, Tag("perfect_layer1")]
    | Annotated[PerfectCopy, Tag("perfect_copy")]
    | Annotated[GraftOut, Tag("graft_out")],
    Discriminator(
        _tag,
        custom_error_type="clamp_kind",
        custom_error_message=(
            "a clamp's kind is ablate, mean_ablate, resample, preserve, graft_in, graft_out, "
            "scale, temperature, set, perfect_layer1, perfect_copy, set_pattern (with the target "
            "induction, previous_token or match) or forbid (with the target previous_token or "
            "non_labels)"
        ),
    ),
]
Program = tuple[Clamp, ...]

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


def covered(clamp: BaseClamp, *, layers: int, heads: int) -> frozenset[tuple[int, int]]:
    """The (layer, head) pairs that a clamp touches; none for a site without heads."""
    if clamp.site.point not in HEAD_POINTS:
        return frozenset()
    return frozenset(
        (layer, head)
        for layer in clamp.site.layers_of(layers)
        for head in clamp.site.heads_of(heads)
    )
