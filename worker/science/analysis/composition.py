"""Composition scores of the paper's Fig. 11, from the plain weights of two layers."""

from typing import NamedTuple

import torch
from torch import Tensor

from worker.science.parameters import Parameters, Shape


class WeightsComposition(NamedTuple):
    """|W_O^b W_X^a| / (|W_O^b| |W_X^a|), Frobenius norms, for X = Q, K, V of the later head a and
    the earlier b: [a, b] each. Unrelated heads score about 1 / sqrt(width).

    Unlike `worker.science.composition`, which has the whole QK or OV map of the later head, the
    earlier head's values and the norm's gain in it. Source: the paper's notebook for Fig. 11.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor


def weights_composition(
    shape: Shape, parameters: Parameters, *, earlier: int, later: int
) -> WeightsComposition:
    """Of all heads of two layers."""
    model = shape.model
    written = parameters[f"blocks.{earlier}.attn.out.weight"]
    writes = written.unflatten(1, (model.heads, model.head_dim)).permute(1, 2, 0)  # [b, D, W]
    read = parameters[f"blocks.{later}.attn.qkv.weight"]
    reads = read.unflatten(0, (3, model.heads, model.head_dim))  # [X, a, D, W]
    meeting = torch.einsum("xadw,bew->xabde", reads, writes).flatten(-2).norm(dim=-1)
    sizes = reads.flatten(-2).norm(dim=-1)[:, :, None] * writes.flatten(-2).norm(dim=-1)
    return WeightsComposition(*(meeting / sizes).unbind())
