"""One forward pass under a program: reference passes first, where some clamp reads from one.

Gradients flow through an unclamped reference pass unless a clamp stops them, as in the published
code; donors are frozen.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from app.schemas.clamps.base import AFTERWARDS, Source
from app.schemas.clamps.site import Point
from worker.science.clamps.edits import Scene, bind, edit_of
from worker.science.clamps.patterns import copied_logits
from worker.science.clamps.program import FROM_UNCLAMPED, DonorLayout, Layout, Part, Tensors
from worker.science.model import NOTHING, Batch, Output, Rows, embed, forward, tokens_of
from worker.science.parameters import Parameters, Shape
from worker.science.taps import Edit, Tap, site_key


class Passes:
    """The passes of models of one shape under programs of one layout: static, and so compiled."""

    def __init__(self, shape: Shape, layout: Layout) -> None:
        self.shape, self.layout = shape, layout
        self._after = [n for n, part in enumerate(layout) if part.source in AFTERWARDS]
        self._reads = frozenset(
            site_key(part.point, part.layer) for part in layout if part.source in FROM_UNCLAMPED
        ) | frozenset(_read_after(part) for part in layout if part.is_unclamped)
        self._live = frozenset(
            _read_after(layout[n]) for n in self._after if not layout[n].is_unclamped
        )

    def __call__(
        self,
        parameters: Parameters,
        tensors: Tensors,
        batch: Batch,
        clock: Tensor,
        keep: frozenset[str] = NOTHING,
        *,
        whole: bool = False,
    ) -> Output:
        """Logits and what is kept, as `model.forward`. See `Scene` for the clock."""
        model = self.shape.model
        unclamped = self._unclamped(parameters, batch, whole)
        scene = Scene(
            batch,
            clock,
            tokens_of(batch),
            lambda: self._embedded(parameters, tensors, scene),
            unclamped,
            self._grafts(tensors, batch, whole),
        )

        def rows(part: Part) -> int:
            return self._rows(part, batch, whole)

        edits = bind(self.layout, tensors, scene, rows)
        output = forward(model, parameters, batch, edits, keep | self._live, whole=whole)
        return self._finished(output, tensors, scene, whole)

    def _unclamped(self, parameters: Parameters, batch: Batch, whole: bool) -> Mapping[str, Tensor]:
        if not self._reads:
            return {}
        return forward(self.shape.model, parameters, batch, keep=self._reads, whole=whole).kept

    def _rows(self, part: Part, batch: Batch, whole: bool) -> int:
        if part.layer is None or part.point in _EVERY_TOKEN:
            return tokens_of(batch)
        return Rows.of(self.shape.model, part.layer, batch, whole).at(part.point)

    def _embedded(self, parameters: Parameters, tensors: Tensors, scene: Scene) -> Tensor:
        """The embedding as the clamps at `embed` leave it."""
        x = embed(self.shape.model, parameters, scene.batch)
        own = [n for n, part in enumerate(self.layout) if part.point is Point.EMBED]
        layout, data = tuple(self.layout[n] for n in own), tuple(tensors[n] for n in own)
        edits = bind(layout, data, scene, lambda part: scene.tokens)
        return Tap(edits, NOTHING)(Point.EMBED, x)

    def _grafts(self, tensors: Tensors, batch: Batch, whole: bool) -> dict[int, Tensor]:
        """What each donor's lower layers make of the batch, under the donor's own program."""
        return {
            number: _graft(part, tensors[number], batch, whole)
            for number, part in enumerate(self.layout)
            if part.source is Source.GRAFT
        }

    def _finished(self, output: Output, tensors: Tensors, scene: Scene, whole: bool) -> Output:
        """The logits edited by what could only be made after the pass."""
        logits = output.logits
        for number in self._after:
            part, data = self.layout[number], tensors[number]
            value = self._logits_after(part, data, output.kept, scene, whole)
            logits = edit_of(part, data, value, scene.clock)(logits)
        return Output(logits, output.kept)

    def _logits_after(
        self,
        part: Part,
        data: Mapping[str, Tensor],
        kept: Mapping[str, Tensor],
        scene: Scene,
        whole: bool,
    ) -> Tensor:
        key = _read_after(part)
        if part.source is Source.COPY:
            score = (scene.unclamped if part.is_unclamped else kept)[key][:, -1]  # [H, J, B]
            chosen = (data["head"][:, None, None] * score).sum(0)
            return copied_logits(chosen, scene.batch, self.shape.labels)
        assert part.donor is not None
        shape, edits = part.donor.shape, {key: Edit(None, kept[key])}
        weights = shape.unflatten(data["weights"])
        return forward(shape.model, weights, scene.batch, edits, whole=whole).logits


_EVERY_TOKEN = frozenset(
    {Point.EMBED, Point.Q_INPUT, Point.K_INPUT, Point.V_INPUT, Point.K, Point.V}
)


def _read_after(part: Part) -> str:
    """The site whose activation becomes the logits."""
    return site_key(Point.SCORE if part.source is Source.COPY else Point.RESID, part.from_layer)


def _graft(part: Part, data: Mapping[str, Tensor], batch: Batch, whole: bool) -> Tensor:
    donor = part.donor
    assert donor is not None
    weights, key = donor.shape.unflatten(data["weights"]), site_key(part.point, part.layer)
    clock = torch.full((1,), donor.sequences, dtype=torch.int64, device=batch.row.device)
    passes = Passes(donor.shape, donor.layout)
    own = _donor_tensors(donor, data)
    return passes(weights, own, batch, clock, frozenset({key}), whole=whole).kept[key]


def _donor_tensors(donor: DonorLayout, data: Mapping[str, Tensor]) -> Tensors:
    """The tensors of the donor's own program, from among those of the part."""
    parts: list[dict[str, Tensor]] = [{} for _ in donor.layout]
    for name, tensor in data.items():
        number, dot, own = name.partition(".")
        if dot:
            parts[int(number)][own] = tensor
    return tuple(parts)
