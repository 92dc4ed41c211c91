"""A cohort's data on the device, and the two functions that a training consists of.

`Step` makes one Adam update of every run, `Evaluation` what one evaluator sees of them. Both are
pure functions of one run, mapped over the runs of the cohort by `torch.func.vmap` and compiled
once.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from worker.science.clamps.passes import Passes
from worker.science.clamps.program import Layout, Tensors
from worker.science.data.probe import PROBES
from worker.science.measures import HEAD_MEASURES, query_metrics
from worker.science.model import Batch, cross_entropy, pattern_keys
from worker.science.parameters import Shape


class TrainingState(NamedTuple):
    """parameters, mean, second: [run, parameter]; the latter two are Adam's moments."""

    parameters: Tensor
    mean: Tensor
    second: Tensor


class Adam(NamedTuple):
    """Settings per run, each [run]; corrections [run, 2] are 1 - beta ** update for this update."""

    learning_rate: Tensor
    beta1: Tensor
    beta2: Tensor
    epsilon: Tensor


class Observation(NamedTuple):
    """Of one evaluator: metrics [run, metric], for each of `HEAD_MEASURES` a number of every head
    [run, layer, head], and the patterns of its first sequences [run, layer, head, query, key,
    probe]."""

    metrics: Tensor
    heads: tuple[Tensor, ...]
    patterns: Tensor


class TrainingStep:
    """One update: mean cross-entropy of the batch, its gradient, Adam (Kingma & Ba 2015)."""

    def __init__(self, shape: Shape, layout: Layout = ()) -> None:
        self.shape, self.passes = shape, Passes(shape, layout)

    def __call__(
        self,
        state: TrainingState,
        adam: Adam,
        correction: Tensor,
        program: Tensors,
        batch: Batch,
        clock: Tensor,
    ) -> tuple[TrainingState, Tensor]:
        """All runs. batch.features is shared ([N, features]) or per run ([run, N, features]);
        clock [B] numbers the sequences."""
        return torch.func.vmap(self._one, in_dims=(0, 0, 0, 0, _run_axes(batch), None))(
            state, adam, correction, program, batch, clock
        )

    def _one(
        self,
        state: TrainingState,
        adam: Adam,
        correction: Tensor,
        program: Tensors,
        batch: Batch,
        clock: Tensor,
    ) -> tuple[TrainingState, Tensor]:
        loss_of = torch.func.grad_and_value(self._loss)
        gradient, loss = loss_of(state.parameters, program, batch, clock)
        # Nothing is written in place: the function is mapped over the runs, compiled, and called
        # for warming up without changing a thing.
        mean = adam.beta1 * state.mean + (1 - adam.beta1) * gradient
        second = adam.beta2 * state.second + (1 - adam.beta2) * gradient.square()
        step = (mean / correction[0]) / ((second / correction[1]).sqrt() + adam.epsilon)
        return TrainingState(state.parameters - adam.learning_rate * step, mean, second), loss

    def _loss(self, flat: Tensor, program: Tensors, batch: Batch, clock: Tensor) -> Tensor:
        logits = self.passes(self.shape.unflatten(flat), program, batch, clock).logits
        return cross_entropy(logits, batch.target).mean()


class Evaluation:
    """What one evaluator sees.

    A report needs four of them, and of three of these the metrics only. All are looked at by this
    program: another one for the three would have to be compiled, too (docs/adr/0055).
    """

    def __init__(self, shape: Shape, layout: Layout = ()) -> None:
        self.shape, self.passes = shape, Passes(shape, layout)

    def __call__(
        self, parameters: Tensor, program: Tensors, batch: Batch, clock: Tensor
    ) -> Observation:
        """All runs. clock [1] is where training stands."""
        return torch.func.vmap(self._one, in_dims=(0, 0, _run_axes(batch), None))(
            parameters, program, batch, clock
        )

    def any_size(
        self, parameters: Tensor, program: Tensors, batch: Batch, clock: Tensor
    ) -> list[tuple[Tensor, int]]:
        """However many classes there are to evaluate with: one compiled program serves."""
        return [(batch.features, batch.features.ndim - 2)]

    def _one(self, flat: Tensor, program: Tensors, batch: Batch, clock: Tensor) -> Observation:
        model, parameters = self.shape.model, self.shape.unflatten(flat)
        seen = self.passes(parameters, program, batch, clock, pattern_keys(model), whole=True)
        patterns = [seen.kept[f"L{layer}.pattern"] for layer in range(model.layers)]
        return Observation(
            query_metrics(seen.logits, batch).mean(1),
            tuple(
                torch.stack([measured(pattern, batch) for pattern in patterns])
                for measured in HEAD_MEASURES.values()
            ),
            torch.stack([pattern[..., :PROBES] for pattern in patterns]),
        )


def _run_axes(batch: Batch) -> Batch:
    """Where the runs are in each part of a batch: nowhere in features that all of them share."""
    return Batch._make((None if batch.features.ndim == 2 else 0, 0, 0, 0))
