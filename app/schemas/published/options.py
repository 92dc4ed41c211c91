"""The published code's clamping options (its `opto_` flags, prefix left out), as clamps of ours.

`exact_program` writes what that code computes, even where one option silently overrides another; it
may hold clamps without effect, which a run config refuses (`published_program` leaves them out).
Source: icl-dynamics, April 2025.
"""

import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from app.schemas.clamps.kinds import (
    Ablate,
    Clamp,
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Temperature,
)
from app.schemas.clamps.site import Point, Positions, Site

PREFIX = "opto_"  # of these options in a config of that code
CHECKPOINT = re.compile(r"([0-9A-Za-z_-]+@\d+|file:.+)")  # of ours
LARGEST = 1000  # temperature, as of our clamps

Head = Annotated[str, StringConstraints(pattern=r"^\d{1,4}:\d{1,4}$")]  # layer:head, from 0
HeadTemperature = Annotated[str, StringConstraints(pattern=r"^\d{1,4}:\d{1,4}:[0-9.eE+-]+$")]
_Split = BeforeValidator(lambda value: value.split() if isinstance(value, str) else value)
Heads = Annotated[list[Head], _Split]
HeadTemperatures = Annotated[list[HeadTemperature], _Split]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class PublishedOptions(BaseModel):
    """The options of one run of the published code. What it calls None is left out here."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    specific_fn: Literal["standard", "perfect_prev_token_input"] | None = None
    ablate_heads: Heads = []
    ablate_embedding: bool = False
    preserve_patterns: bool = False
    preserve_values: bool = False
    preserve_queries: bool = False
    preserve_keys: bool = False
    set_head_temperature: HeadTemperatures = []
    perfect_copy_from_head_pattern: Head | None = None
    prev_token_heads: Heads = []
    prev_token_head_strength: Share = 1.0
    prev_token_only_label: bool = False
    induction_heads: Heads = []
    induction_head_strength: Share = 1.0
    match_heads: Heads = []
    match_head_temperature: float = Field(0.0, ge=0, le=LARGEST)
    disallow_prev_token_heads: Heads = []
    disallow_prev_token_only_label: bool = False
    final_layer_silence_non_label_attn: list[Count] = []
    graft_in_model_ckpt: str | None = None
    graft_in_model_cfg: str | None = None
    graft_in_model_till_layer: Count | None = None
    graft_out_model_ckpt: str | None = None
    graft_out_model_cfg: str | None = None
    graft_out_model_from_layer: Count | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_the_default(cls, content: object) -> object:
        """Saved configs write null for lists that were not given."""
        if not isinstance(content, dict):
            return content
        return {
            name: value
            for name, value in content.items()
            if value is not None or not _may_be_none(name)
        }

    @field_validator("set_head_temperature")
    @classmethod
    def _temperatures_can_be(cls, given: list[str]) -> list[str]:
        if len({text.split(":")[0] for text in given}) > 1:
            raise ValueError("the heads of one layer only")
        for text in given:
            _check_temperature(text)
        return given

    @field_validator("graft_in_model_ckpt", "graft_out_model_ckpt")
    @classmethod
    def _can_be_read(cls, checkpoint: str | None) -> str | None:
        if checkpoint is not None and not CHECKPOINT.fullmatch(checkpoint):
            raise ValueError(
                f"{checkpoint} cannot be read here; graft checkpoints must be given as a run of "
                "this server, RUN@SEQUENCES, or as file:WEIGHTS.npz#PREFIX"
            )
        return checkpoint

    @model_validator(mode="after")
    def _no_head_has_two_patterns(self) -> Self:
        previous = set(_heads(self.prev_token_heads))
        for name in ("induction_heads", "disallow_prev_token_heads"):
            if shared := previous & set(_heads(getattr(self, name))):
                layer, head = min(shared)
                raise ValueError(f"prev_token_heads and {name} both name {layer}:{head}")
        return self

    @model_validator(mode="after")
    def _grafts_say_where(self) -> Self:
        for checkpoint, layer in (
            ("graft_in_model_ckpt", "graft_in_model_till_layer"),
            ("graft_out_model_ckpt", "graft_out_model_from_layer"),
        ):
            if getattr(self, checkpoint) is not None and getattr(self, layer) is None:
                raise ValueError(f"{checkpoint} needs {layer}")
        return self

    @property
    def heads(self) -> dict[str, list[tuple[int, int]]]:
        """The (layer, head) pairs that each option names."""
        copied = self.perfect_copy_from_head_pattern
        return {
            "ablate_heads": _heads(self.ablate_heads),
            "set_head_temperature": list(_temperatures(self.set_head_temperature)),
            "perfect_copy_from_head_pattern": _heads([copied] if copied else []),
            "prev_token_heads": _heads(self.prev_token_heads),
            "induction_heads": _heads(self.induction_heads),
            "match_heads": _heads(self.match_heads),
            "disallow_prev_token_heads": _heads(self.disallow_prev_token_heads),
        }

    @property
    def is_perfect_layer1(self) -> bool:
        return self.specific_fn == "perfect_prev_token_input"

    @property
    def temperature_layer(self) -> int | None:
        """The layer whose scores a temperature freezes."""
        given = self.set_head_temperature
        return int(given[0].split(":")[0]) if given else None

    @property
    def previous_token_rows(self) -> Positions:
        """Preserved patterns lift `only_label`: their mask covers every row."""
        labels_only = self.prev_token_only_label and not self.preserve_patterns
        return Positions.LABELS if labels_only else Positions.ALL

    @property
    def disallowed_layers(self) -> set[int]:
        """Layers with heads that cannot attend to the previous token."""
        return {layer for layer, _ in _heads(self.disallow_prev_token_heads)}

    def disallowed_rows(self, layer: int) -> Positions:
        """So does a temperature in the same layer for scores."""
        labels_only = self.disallow_prev_token_only_label and layer != self.temperature_layer
        return Positions.LABELS if labels_only else Positions.ALL


def _may_be_none(name: str) -> bool:
    field = PublishedOptions.model_fields.get(name)
    return field is not None and field.default in (None, [])


def _check_temperature(text: str) -> None:
    try:
        temperature = float(text.rpartition(":")[2])
    except ValueError:
        temperature = 0.0
    if not (isfinite(temperature) and 0 < temperature <= LARGEST):
        raise ValueError(f"{text}: a temperature is a number above 0, at most {LARGEST}")


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
    yield from _ablated(options)


def _standard(options: PublishedOptions, layers: int) -> Iterator[Clamp]:
    yield from _references(options)
    if (layer := options.graft_in_model_till_layer) is not None and options.graft_in_model_ckpt:
        yield GraftIn(site=Site(Point.RESID, layer), checkpoint=options.graft_in_model_ckpt)
    yield from _outputs(options)
    if options.ablate_embedding:
        yield Ablate(site=Site(Point.EMBED))
    yield from _ablated(options)
    yield from _patterns(options)
    yield from _scores(options, layers)


def _outputs(options: PublishedOptions) -> Iterator[Clamp]:
    """Of two, the graft: its model never sees the copy."""
    if (layer := options.graft_out_model_from_layer) is not None and options.graft_out_model_ckpt:
        yield GraftOut(site=Site(Point.RESID, layer), checkpoint=options.graft_out_model_ckpt)
    elif options.perfect_copy_from_head_pattern is not None:
        site = _query_scores(options.perfect_copy_from_head_pattern)
        yield PerfectCopy(site=site, source="unclamped")


def _ablated(options: PublishedOptions) -> Iterator[Clamp]:
    for head in _heads(options.ablate_heads):
        yield Ablate(site=_site(head, Point.V))


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
    if options.temperature_layer is not None:  # as a side effect it freezes the layer's scores
        yield Preserve(site=Site(Point.SCORE, options.temperature_layer))


def _patterns(options: PublishedOptions) -> Iterator[Clamp]:
    for head in _heads(options.prev_token_heads):
        site = _site(head, Point.PATTERN, options.previous_token_rows)
        yield PreviousTokenPattern(site=site, strength=options.prev_token_head_strength)
    for head in _heads(options.induction_heads):
        site = _site(head, Point.PATTERN, Positions.QUERY)
        yield InductionPattern(site=site, strength=options.induction_head_strength)
    for head in _heads(options.match_heads):
        site = _site(head, Point.PATTERN, Positions.QUERY)
        yield MatchPattern(site=site, temperature=options.match_head_temperature)


def _scores(options: PublishedOptions, layers: int) -> Iterator[Clamp]:
    for head, temperature in _temperatures(options.set_head_temperature).items():
        if temperature != 1:
            yield Temperature(site=_site(head, Point.SCORE), temperature=temperature)
    for head in _heads(options.disallow_prev_token_heads):
        yield ForbidPreviousToken(site=_site(head, Point.SCORE, options.disallowed_rows(head[0])))
    for number in dict.fromkeys(options.final_layer_silence_non_label_attn):
        yield ForbidNonLabels(site=_site((layers - 1, number), Point.SCORE, Positions.QUERY))


def _heads(texts: Sequence[str]) -> list[tuple[int, int]]:
    """(layer, head) of each, without repetitions."""
    pairs = (text.split(":") for text in texts)
    return list(dict.fromkeys((int(layer), int(head)) for layer, head in pairs))


def _temperatures(texts: Sequence[str]) -> dict[tuple[int, int], float]:
    """By (layer, head); of a head that is named twice, the last."""
    parts = (text.split(":") for text in texts)
    return {(int(layer), int(head)): float(heat) for layer, head, heat in parts}


def _query_scores(head: str) -> Site:
    return _site(_heads([head])[0], Point.SCORE, Positions.QUERY)


def _site(head: tuple[int, int], point: Point, positions: Positions = Positions.ALL) -> Site:
    layer, number = head
    return Site(point, layer, (number,), positions)
