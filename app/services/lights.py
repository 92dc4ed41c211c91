"""What a program does to each head, for the head grids and the drawing of the circuit."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.schemas.clamp import (
    Ablate,
    BaseClamp,
    InductionPattern,
    PatternName,
    PreviousTokenPattern,
    covered,
)
from app.schemas.config import ModelConfig
from app.schemas.words import head_name


class Light(StrEnum):
    """The lights a head can be under; the form's tools."""

    NONE = "none"
    INDUCTION = "induction"
    PREVIOUS_TOKEN = "previous_token"
    SILENCE = "silence"


_WORDS = {
    Light.NONE: "learns",
    Light.INDUCTION: "induction",
    Light.PREVIOUS_TOKEN: "previous",
    Light.SILENCE: "silenced",
}


@dataclass(frozen=True)
class LitHead:
    """One head of a grid. `clamps`: its clamps without their sites, for the form's script."""

    layer: int
    head: int
    light: Light
    strength: float
    clamps: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return head_name(self.layer, self.head)

    @property
    def word(self) -> str:
        """What the head does, in one word."""
        partly = f" {self.strength:g}" if self.strength != 1 else ""
        return _WORDS[self.light] + partly

    @property
    def tone(self) -> str:
        """The colour of its light: `driven`, `silenced`, or none."""
        if self.light is Light.NONE:
            return "none"
        return "silenced" if self.light is Light.SILENCE else "driven"


def lit_heads(program: Sequence[BaseClamp], model: ModelConfig) -> list[list[LitHead]]:
    """The heads of every layer, the last layer first: upwards on screen is upwards in the model."""
    return [
        [_lit(program, model, layer, head) for head in range(model.heads)]
        for layer in reversed(range(model.layers))
    ]


def _lit(program: Sequence[BaseClamp], model: ModelConfig, layer: int, head: int) -> LitHead:
    touching = [
        clamp
        for clamp in program
        if (layer, head) in covered(clamp, layers=model.layers, heads=model.heads)
    ]
    light, strength = _light(touching)
    return LitHead(layer, head, light, strength, [_siteless(clamp) for clamp in touching])


def _light(touching: Sequence[BaseClamp]) -> tuple[Light, float]:
    for clamp in touching:
        if isinstance(clamp, InductionPattern | PreviousTokenPattern):
            return Light(clamp.target), clamp.strength
        if isinstance(clamp, Ablate):
            return Light.SILENCE, 1.0
    return Light.NONE, 1.0


def _siteless(clamp: BaseClamp) -> dict[str, Any]:
    content = clamp.model_dump(mode="json", exclude={"site"})
    return content | {"point": clamp.site.point.value, "positions": clamp.site.positions.value}


@dataclass(frozen=True)
class Step:
    """One step of the circuit: fixed by a clamp, left to learn, not needed, or out of reach."""

    state: str  # "fixed", "learned", "spared" or "blocked"

    @property
    def word(self) -> str:
        return {
            "fixed": "fixed",
            "learned": "learned",
            "spared": "not needed",
            "blocked": "silenced",
        }[self.state]


@dataclass(frozen=True)
class Circuit:
    """The induction circuit under a program: attend one back, copy that, match, copy the label."""

    previous: Step  # step 1: layers before the last attend one token back
    match: Step  # step 4: the query attends to the label that followed its like
    copy: Step  # step 5: that label is written to the output


_MATCH = Light(PatternName.INDUCTION.value)


def circuit(program: Sequence[BaseClamp], model: ModelConfig) -> Circuit:
    """Which steps of the circuit a program fixes or takes away."""
    rows = lit_heads(program, model)
    last = [head.light for head in rows[0]]
    earlier = [head.light for row in rows[1:] for head in row]
    copied = Step("blocked" if _all_silent(last) else "learned")
    previous = _step(earlier, Light(PatternName.PREVIOUS_TOKEN.value))
    if previous.state == "learned" and set(last) <= {_MATCH, Light.SILENCE} and _MATCH in last:
        previous = Step("spared")  # every head that speaks finds its label without it
    return Circuit(previous=previous, match=_step(last, _MATCH), copy=copied)


def _step(lights: Sequence[Light], fixing: Light) -> Step:
    if fixing in lights:
        return Step("fixed")
    return Step("blocked" if _all_silent(lights) else "learned")


def _all_silent(lights: Sequence[Light]) -> bool:
    return all(light is Light.SILENCE for light in lights)
