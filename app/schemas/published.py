"""The published code's clamping options (its `opto_` flags, prefix left out), as clamps of ours.

`exact_program` writes what that code computes, even where one option silently overrides another; it
may hold clamps without effect, which a run config refuses. Source: icl-dynamics, April 2025.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.schemas.clamp import (
    Ablate,
    Clamp,
    ForbidNonLabels,
    ForbidPreviousToken,
    InductionPattern,
    MatchPattern,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Temperature,
)
from app.schemas.site import Point, Positions, Site

Head = Annotated[str, StringConstraints(pattern=r"^\d+:\d+$")]  # layer:head, from 0
HeadTemperature = Annotated[str, StringConstraints(pattern=r"^\d+:\d+:[0-9.eE+-]+$")]


class PublishedOptions(BaseModel):
    """The options of one run of the published code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specific_fn: Literal["standard", "perfect_prev_token_input"] | None = None
    ablate_heads: list[Head] = []
    ablate_embedding: bool = False
    preserve_patterns: bool = False
    preserve_values: bool = False
    preserve_queries: bool = False
    preserve_keys: bool = False
    set_head_temperature: list[HeadTemperature] = []
    perfect_copy_from_head_pattern: Head | None = None
    prev_token_heads: list[Head] = []
    prev_token_head_strength: float = Field(1.0, ge=0, le=1)
    prev_token_only_label: bool = False
    induction_heads: list[Head] = []
    induction_head_strength: float = Field(1.0, ge=0, le=1)
    match_heads: list[Head] = []
    match_head_temperature: float = Field(0.0, ge=0)
    disallow_prev_token_heads: list[Head] = []
    disallow_prev_token_only_label: bool = False
    final_layer_silence_non_label_attn: list[int] = []

    @model_validator(mode="after")
    def _one_layer_of_temperatures(self) -> Self:
        layers = {text.split(":")[0] for text in self.set_head_temperature}
        if len(layers) > 1:
            raise ValueError("set_head_temperature: the heads of one layer only")
        return self

    @property
    def is_perfect_layer1(self) -> bool:
        return self.specific_fn == "perfect_prev_token_input"


def exact_program(options: PublishedOptions, *, layers: int = 2) -> tuple[Clamp, ...]:
    """The clamps that compute what the published code computes under these options."""
    clamps = _perfect_layer1 if options.is_perfect_layer1 else _standard
    return tuple(clamps(options, layers))


def _perfect_layer1(options: PublishedOptions, layers: int) -> Iterator[Clamp]:
    """Steps 1 and 2 perfect: heads may be ablated, unless there is a copy, which ignores that;
    nothing else is looked at."""
    yield PerfectLayer1(site=Site.parse("L0.resid"))
    if options.perfect_copy_from_head_pattern is not None:
        yield PerfectCopy(site=_query_scores(options.perfect_copy_from_head_pattern))
        return
    for head in options.ablate_heads:
        yield Ablate(site=_site(head, Point.V))


def _standard(options: PublishedOptions, layers: int) -> Iterator[Clamp]:
    yield from _references(options)
    if options.perfect_copy_from_head_pattern is not None:
        site = _query_scores(options.perfect_copy_from_head_pattern)
        yield PerfectCopy(site=site, source="unclamped")
    if options.ablate_embedding:
        yield Ablate(site=Site(Point.EMBED))
    for head in options.ablate_heads:
        yield Ablate(site=_site(head, Point.V))
    yield from _patterns(options)
    yield from _scores(options, layers)


def _references(options: PublishedOptions) -> Iterator[Clamp]:
    points = {
        Point.PATTERN: options.preserve_patterns,
        Point.V: options.preserve_values,
        Point.Q: options.preserve_queries,
        Point.K: options.preserve_keys,
    }
    for point, is_preserved in points.items():
        if is_preserved:
            yield Preserve(site=Site(point))
    if options.set_head_temperature:  # as a side effect it freezes the layer's scores
        layer = int(options.set_head_temperature[0].split(":")[0])
        yield Preserve(site=Site(Point.SCORE, layer))


def _patterns(options: PublishedOptions) -> Iterator[Clamp]:
    rows = Positions.LABELS if options.prev_token_only_label else Positions.ALL
    for head in options.prev_token_heads:
        strength = options.prev_token_head_strength
        yield PreviousTokenPattern(site=_site(head, Point.PATTERN, rows), strength=strength)
    for head in options.induction_heads:
        site = _site(head, Point.PATTERN, Positions.QUERY)
        yield InductionPattern(site=site, strength=options.induction_head_strength)
    for head in options.match_heads:
        site = _site(head, Point.PATTERN, Positions.QUERY)
        yield MatchPattern(site=site, temperature=options.match_head_temperature)


def _scores(options: PublishedOptions, layers: int) -> Iterator[Clamp]:
    for text in options.set_head_temperature:
        head, _, temperature = text.rpartition(":")
        if float(temperature) != 1:
            yield Temperature(site=_site(head, Point.SCORE), temperature=float(temperature))
    rows = Positions.LABELS if options.disallow_prev_token_only_label else Positions.ALL
    for head in options.disallow_prev_token_heads:
        yield ForbidPreviousToken(site=_site(head, Point.SCORE, rows))
    for number in options.final_layer_silence_non_label_attn:
        yield ForbidNonLabels(site=_query_scores(f"{layers - 1}:{number}"))


def _query_scores(head: str) -> Site:
    return _site(head, Point.SCORE, Positions.QUERY)


def _site(head: str, point: Point, positions: Positions = Positions.ALL) -> Site:
    layer, _, number = head.partition(":")
    return Site(point, int(layer), (int(number),), positions)
