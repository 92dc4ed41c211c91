"""One look: what models do with some sequences under programs, as one function of tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from app.schemas.measure import METRICS
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import Layout, Tensors
from worker.science.measures import (
    induction_by_sequence,
    previous_token_attention,
    query_metrics,
)
from worker.science.model import Batch, Output, forward, pattern_keys
from worker.science.parameters import Parameters, Shape

LOSS, ACCURACY, IN_CONTEXT = (
    METRICS.index(name) for name in ("loss", "accuracy", "in_context_accuracy")
)


class Seen(NamedTuple):
    """Per sequence, [model, program, B]: loss, and whether it was right (1 or 0), of all labels and
    of those in its context. Sums over sequences, and of squares, [model, program, ..., 2]: of the
    metrics in the order of `METRICS`, of induction [layer, head] and of attention to the previous
    token [layer, head, T - 1], of the layers whose tokens were all computed."""

    loss: Tensor
    right: Tensor
    right_in_context: Tensor
    metrics: Tensor
    induction: Tensor
    previous: Tensor


class Inspection:
    """Models of one shape under programs of one layout, mapped over both.

    What no program touches is computed once for all of them: an ablation of layer 2 shares all of
    layer 1, and a reference pass is shared by every program that reads from it. `whole`: all
    tokens of the last layer are computed, and not the query alone, which is all that its output
    needs. `reports_unclamped`: patterns are those of a pass without clamps.
    """

    def __init__(
        self, shape: Shape, layout: Layout, *, whole: bool, reports_unclamped: bool = False
    ) -> None:
        self.shape, self.passes = shape, Passes(shape, layout)
        self.whole, self.reports_unclamped = whole, reports_unclamped

    def __call__(
        self, flat: Tensor, programs: Tensors, batch: Batch, counts: Tensor, clock: Tensor
    ) -> Seen:
        """flat [model, parameter]; tensors of programs have a leading axis. counts [B]: 1, or 0 for
        a sequence that is left out of sums."""
        return torch.func.vmap(self._model, in_dims=(0, None, None, None, None))(
            flat, programs, batch, counts, clock
        )

    def _model(
        self, flat: Tensor, programs: Tensors, batch: Batch, counts: Tensor, clock: Tensor
    ) -> Seen:
        if not programs:  # nothing to map over: no clamps
            return Seen._make(part[None] for part in self._one(flat, (), batch, counts, clock))
        return torch.func.vmap(self._one, in_dims=(None, 0, None, None, None))(
            flat, programs, batch, counts, clock
        )

    def _one(
        self, flat: Tensor, program: Tensors, batch: Batch, counts: Tensor, clock: Tensor
    ) -> Seen:
        model, parameters = self.shape.model, self.shape.unflatten(flat)
        keep = pattern_keys(model)
        seen = self.passes(parameters, program, batch, clock, keep, whole=self.whole)
        shown = self._unclamped(parameters, batch) if self.reports_unclamped else seen
        patterns = [shown.kept[f"L{layer}.pattern"] for layer in range(model.layers)]
        metrics = query_metrics(seen.logits, batch)
        induction = [induction_by_sequence(pattern, batch) for pattern in patterns]
        whole = patterns if self.whole else patterns[:-1]
        previous = [_sums(previous_token_attention(pattern), counts) for pattern in whole]
        none = counts.new_zeros(0, model.heads, self.shape.tokens - 1, 2)
        return Seen(
            loss=metrics[LOSS],
            right=metrics[ACCURACY],
            right_in_context=metrics[IN_CONTEXT],
            metrics=_sums(metrics, counts),
            induction=_sums(torch.stack(induction), counts),
            previous=torch.stack(previous) if previous else none,
        )

    def _unclamped(self, parameters: Parameters, batch: Batch) -> Output:
        model = self.shape.model
        return forward(model, parameters, batch, keep=pattern_keys(model), whole=self.whole)


def _sums(x: Tensor, counts: Tensor) -> Tensor:
    """Sums over the sequences that count, and of squares: [..., B] -> [..., 2]."""
    counted = x * counts
    return torch.stack([counted.sum(-1), (counted * x).sum(-1)], dim=-1)
