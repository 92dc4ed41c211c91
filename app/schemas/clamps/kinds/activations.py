"""Clamps of any activation, which the published code has not."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from app.schemas.clamps.base import (
    ACTIVATIONS,
    ALL_POINTS,
    EVERYWHERE,
    BaseClamp,
    Constant,
    Light,
    Phase,
    Sites,
    Source,
)
from app.schemas.clamps.names import Name
from app.schemas.clamps.nodes import FlowPass, Node
from app.schemas.clamps.phrases import (
    place,
    stopped,
    verb,
)
from app.schemas.clamps.site import Site
from app.schemas.option import option


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

    def constant(self, tokens: int) -> Constant:
        return self.value


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
        end = stopped(self.is_stopped)
        return f"{place(site, heads)} {verb(site)} the mean over the batch, unclamped{end}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.mean(at.unclamped[node])

    @property
    def is_stopped(self) -> bool:
        return self.gradient == "stop"


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
        end = stopped(self.is_stopped)
        return f"{place(site, heads)} {verb(site)} another sequence's, unclamped{end}"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.elsewhere(at.unclamped[node])

    @property
    def is_stopped(self) -> bool:
        return self.gradient == "stop"


KINDS: tuple[type[BaseClamp], ...] = (
    Scale,
    SetConstant,
    MeanAblate,
    Resample,
)
