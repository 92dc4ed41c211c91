"""Layers of another run, frozen: those up to a layer, or those after it."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from app.schemas.clamps.base import (
    WHOLE,
    BaseClamp,
    Light,
    Phase,
    Picks,
    Sites,
    Source,
)
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.names import Name
from app.schemas.clamps.nodes import LOGITS, FlowPass, Node
from app.schemas.clamps.phrases import checkpoint_words, layer_of
from app.schemas.clamps.site import Point, Site
from app.schemas.option import option
from app.schemas.text import SOUND

CheckpointName = Annotated[
    str, StringConstraints(pattern=r"^([0-9A-Za-z_-]+@\d+|file:.+)$", max_length=4096), SOUND
]


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
    checkpoint: CheckpointName = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
    )

    def sentence(self, site: Site, heads: int) -> str:
        whose = checkpoint_words(self.checkpoint)
        return f"Everything up to {layer_of(site)} is that of {whose}, frozen"

    def change(self, at: FlowPass, node: Node, name: Name) -> Name:
        return at.names.leaf("graft", self.checkpoint, node.layer, node.row)

    @property
    def donor(self) -> str | None:
        return self.checkpoint


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
    checkpoint: CheckpointName = option(
        ...,
        "Checkpoint",
        "RUN@SEQUENCES, or file:WEIGHTS.npz#PREFIX of a model of the same shape.",
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

    @property
    def donor(self) -> str | None:
        return self.checkpoint


KINDS: tuple[type[BaseClamp], ...] = (
    GraftIn,
    GraftOut,
)
