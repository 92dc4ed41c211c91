"""Composition: how much of what one head writes another, in a later layer, reads; from the weights.

Axes: W width, H head, D head dimension, L layer; b is the later head, a the earlier.
Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", section
"Two-layer attention-only transformers".
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from app.schemas.config import ModelConfig
from app.schemas.measure import COMPOSITION_KINDS
from worker.science.parameters import Parameters, Shape


class _Heads(NamedTuple):
    """The maps of a layer's heads: query, key and value [H, D, W] read the stream, output [H, W, D]
    writes to it; the Gram matrices [H, D, D] stand for the sides that a norm does not need."""

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor

    @property
    def ov_size(self) -> Tensor:
        """||W_OV||_F per head."""
        return _size(_gram(self.output.mT), _gram(self.value))

    @property
    def qk_size(self) -> Tensor:
        """||W_QK||_F per head."""
        return _size(_gram(self.query), _gram(self.key))


def composition_scores(model: ModelConfig, parameters: Parameters) -> Tensor:
    """Q-, K- and V-composition of all pairs of heads, the later head in the later layer.

    With W_QK = W_Q^T W_K and W_OV = W_O W_V, both [W, W], for the later head b and the earlier a:

        q: ||W_QK[b]^T W_OV[a]||_F / (||W_QK[b]||_F ||W_OV[a]||_F)
        k: ||W_QK[b]   W_OV[a]||_F / (||W_QK[b]||_F ||W_OV[a]||_F)
        v: ||W_OV[b]   W_OV[a]||_F / (||W_OV[b]||_F ||W_OV[a]||_F)

    No unit: 0 where b reads nothing of what a writes, at most 1. What unrelated heads have,
    `schemas.measure.chance_of_composition`, is not taken off here. The linear part of the pre-LN,
    its gain and the centring over the width, is part of what a head reads; the division by the
    stream's deviation is one factor for all and cancels. Biases, and the rotation of rotary
    positions, are left out: the score is that of tokens at one place.

    Flat [n], NaN where a head's weights are all 0: by kind in the order of
    `schemas.measure.COMPOSITION_KINDS`, then later layer, its head, earlier layer, its head.
    """
    layers = [_heads(model, parameters, layer) for layer in range(model.layers)]
    pairs = [_between(later, layers[:n]) for n, later in enumerate(layers) if n]
    if not pairs:
        return torch.zeros(0, device=parameters["final_norm.weight"].device)
    return torch.cat(
        [pair[kind].flatten() for kind in range(len(COMPOSITION_KINDS)) for pair in pairs]
    )


def compositions(shape: Shape) -> Callable[[Tensor], Tensor]:
    """The scores of all runs of a cohort: parameters [run, parameter] -> [run, n]."""

    def of_one(flat: Tensor) -> Tensor:
        return composition_scores(shape.model, shape.unflatten(flat))

    return torch.func.vmap(of_one)


def _heads(model: ModelConfig, parameters: Parameters, layer: int) -> _Heads:
    block = f"blocks.{layer}"
    reads = parameters[f"{block}.attn.qkv.weight"] * parameters[f"{block}.norm.weight"]
    reads = reads - reads.mean(-1, keepdim=True)
    query, key, value = reads.unflatten(0, (3, model.heads, model.head_dim)).unbind()
    writes = parameters[f"{block}.attn.out.weight"].unflatten(1, (model.heads, model.head_dim))
    return _Heads(query, key, value, writes.movedim(1, 0))


def _between(later: _Heads, earlier: list[_Heads]) -> Tensor:
    """The scores of the heads of a layer with those of all layers below: [kind, b, L, a].

    ||U^T M V||_F^2 = sum (U U^T M V V^T) * M, with M = (b's reading) W_O[a] of [D, D]: nothing as
    large as W by W is made.
    """
    output = torch.stack([one.output for one in earlier])  # [L, a, W, D]
    value = torch.stack([_gram(one.value) for one in earlier])  # [L, a, D, D]
    written = torch.stack([one.ov_size for one in earlier])  # [L, a]
    query, key = _gram(later.query), _gram(later.key)
    read = torch.stack([later.query, later.key, later.value])  # [kind, b, D, W]
    other = torch.stack([key, query, _gram(later.output.mT)])  # [kind, b, D, D]
    own = torch.stack([later.qk_size, later.qk_size, later.ov_size])  # [kind, b]
    meeting = torch.einsum("rbdw,lawe->rblade", read, output)
    # Of two factors each: in which order three are multiplied, and so the last bits of the scores,
    # would depend on whether opt_einsum is installed.
    left = torch.einsum("rbcd,rblade->rblace", other, meeting)
    through = torch.einsum("rblace,laef->rblacf", left, value)
    square = (through * meeting).sum((-2, -1)).clamp(min=0)
    return square.sqrt() / (own[:, :, None, None] * written)


def _gram(maps: Tensor) -> Tensor:
    """[H, D, W] -> [H, D, D]."""
    return maps @ maps.mT


def _size(left: Tensor, right: Tensor) -> Tensor:
    """||U^T V||_F from the Gram matrices of U and V."""
    return (left * right).sum((-2, -1)).clamp(min=0).sqrt()
