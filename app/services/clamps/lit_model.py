"""What a program does to each part of a model, for the head grids: clamps are light."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.catalogue import BY_KIND
from app.schemas.clamps.kinds import covered
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS
from app.schemas.config import ModelConfig
from app.schemas.words import enumerate_words, grouped, head_name, layer_name

NONE = "none"  # the tone of what no clamp touches
_WHOLLY = (0, 1)  # amounts that need no saying
_SHARED = frozenset(BaseClamp.model_fields)


@dataclass(frozen=True)
class Lit:
    """The lights on one part of a model, the one that says most about it first."""

    clamps: Sequence[BaseClamp]

    @property
    def tone(self) -> str:
        """The colour: `driven`, `silenced`, `preserved`, or `none`."""
        return self.clamps[0].light.value if self.clamps else NONE

    @property
    def others(self) -> list[str]:
        """The colours of further lights."""
        return list(dict.fromkeys(c.light.value for c in self.clamps if c.light != self.tone))

    @property
    def is_windowed(self) -> bool:
        """Whether it is dark for a part of training."""
        return bool(self.clamps) and all(clamp.is_windowed for clamp in self.clamps)

    @property
    def windows(self) -> str:
        """When any of them is on, as JSON: [from, until or null]; empty where one always is."""
        if not self.is_windowed:
            return ""
        return json.dumps([(one.from_sequences, one.until_sequences) for one in self.clamps])

    @property
    def word(self) -> str:
        """What is done, as short as a cell."""
        more = f" +{len(self.clamps) - 1}" if len(self.clamps) > 1 else ""
        return f"{_badge(self.clamps[0])}{more}" if self.clamps else ""

    @property
    def said(self) -> str:
        """The same for tooltips and readers of screens."""
        words = [f"{_badge(clamp)}{window(clamp)}" for clamp in self.clamps]
        return enumerate_words(words) or "learns"


@dataclass(frozen=True)
class LitHead(Lit):
    """One head of a grid."""

    layer: int
    head: int

    @property
    def name(self) -> str:
        return head_name(self.layer, self.head)


@dataclass(frozen=True)
class LitLayer(Lit):
    """A layer: the lights on what belongs to no head of it, and its heads."""

    layer: int
    heads: Sequence[LitHead]

    @property
    def name(self) -> str:
        return layer_name(self.layer)


@dataclass(frozen=True)
class LitModel(Lit):
    """A model: the lights on embedding and logits, and its layers, the last first: upwards on
    screen is upwards in the model."""

    layers: Sequence[LitLayer]


def lit_model(program: Sequence[BaseClamp], model: ModelConfig) -> LitModel:
    """Every part of the model with what the program does to it."""
    layers, heads = model.layers, model.heads
    reach = [(clamp, covered(clamp, layers=layers, heads=heads)) for clamp in program]
    # What is meant for few heads says more about each of them; of equals, what acts later.
    reach.sort(key=lambda pair: (len(pair[1]), -pair[0].phase))
    return LitModel(
        [clamp for clamp in program if clamp.site.point in LAYERLESS_POINTS],
        [
            LitLayer(
                _on_layer(program, layer, layers),
                layer,
                [_head(reach, layer, head) for head in range(heads)],
            )
            for layer in reversed(range(layers))
        ],
    )


def _on_layer(program: Sequence[BaseClamp], layer: int, layers: int) -> list[BaseClamp]:
    """The clamps on what belongs to a layer, but to no head of it."""
    return [
        clamp
        for clamp in program
        if clamp.site.point not in HEAD_POINTS | LAYERLESS_POINTS
        and layer in clamp.site.layers_of(layers)
    ]


def _head(
    reach: Sequence[tuple[BaseClamp, frozenset[tuple[int, int]]]], layer: int, head: int
) -> LitHead:
    return LitHead([clamp for clamp, heads in reach if (layer, head) in heads], layer, head)


def _badge(clamp: BaseClamp) -> str:
    amount = _amount(clamp)
    badge = BY_KIND[type(clamp)].badge
    return badge if amount is None or amount in _WHOLLY else f"{badge} {amount:g}"


def _amount(clamp: BaseClamp) -> float | None:
    """How much: the first number of the kind's own settings."""
    own = (getattr(clamp, name) for name in type(clamp).model_fields if name not in _SHARED)
    return next((value for value in own if isinstance(value, int | float)), None)


def window(clamp: BaseClamp) -> str:
    """` until 100,000 sequences`, nothing for the whole training."""
    if not clamp.is_windowed:
        return ""
    if clamp.until_sequences is None:
        return f" from {grouped(clamp.from_sequences)} sequences"
    if clamp.from_sequences == 0:
        return f" until {grouped(clamp.until_sequences)} sequences"
    return f" from {grouped(clamp.from_sequences)} to {grouped(clamp.until_sequences)} sequences"
