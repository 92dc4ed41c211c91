"""The transformer, as a pure function of one run with the sequences as the last axis.

Axes: W width, H head, D head dimension, T token, I query token, J key token, P context pair,
B sequence. B is contiguous, so that norms, softmax and rotary loops vectorise over sequences;
attention over a few tokens is written as multiply-and-sum, which the compiler fuses.
`torch.func.vmap` maps everything here over the runs of a cohort.

Source: arXiv 2404.07129 and its published code; docs/science.md.
"""

from math import log, sqrt
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import gelu

from app.schemas.clamps.base import MASKED
from app.schemas.clamps.site import Point
from app.schemas.config import ModelConfig
from worker.science.parameters import Parameters
from worker.science.taps import Edits, Tap, site_key

NO_EDITS: Edits = {}
NOTHING: frozenset[str] = frozenset()
ROTARY_BASE = 10_000.0
NORM_EPSILON = 1e-5


class Batch(NamedTuple):
    """Sequences, as places in a table of exemplars: each exemplar is embedded once.

    features [N, features]; row [P + 1, B] in it, the query last; labels [P, B]; target [B].
    """

    features: Tensor
    row: Tensor
    labels: Tensor
    target: Tensor


class Output(NamedTuple):
    """logits [labels, B] at the query, and the activations that were asked for."""

    logits: Tensor
    kept: dict[str, Tensor]


def forward(
    model: ModelConfig,
    parameters: Parameters,
    batch: Batch,
    edits: Edits = NO_EDITS,
    keep: frozenset[str] = NOTHING,
    *,
    whole: bool = False,
) -> Output:
    """One pass. `keep` names activations (`L1.pattern`) to return; edits apply before keeping.

    Only the query token reaches the output, so the last layer computes (and keeps) that row alone.
    `whole`: its pattern has the rows of all tokens, but nothing after it.
    """
    tap = Tap(edits, keep)
    x = tap(Point.EMBED, embed(model, parameters, batch))
    for layer in range(model.layers):
        x = _block(model, parameters, layer, x, tap, Rows.of(model, layer, batch, whole))
    query = _norm(x[:, -1], parameters, "final_norm")
    logits = parameters["unembed.weight"] @ query + parameters["unembed.bias"][:, None]
    return Output(tap(Point.LOGITS, logits), tap.kept)


class Rows(NamedTuple):
    """How many of the (query) tokens a layer computes, the last ones."""

    looking: int  # up to the pattern
    onward: int  # after it

    @classmethod
    def of(cls, model: ModelConfig, layer: int, batch: Batch, whole: bool) -> "Rows":
        """`whole` as in `forward`."""
        tokens, is_last = tokens_of(batch), layer == model.layers - 1
        return cls(1 if is_last and not whole else tokens, 1 if is_last else tokens)

    def at(self, point: Point) -> int:
        """Of the values at a point whose axes have them."""
        return self.looking if point in (Point.Q, Point.SCORE, Point.PATTERN) else self.onward


def tokens_of(batch: Batch) -> int:
    """Length of the sequences: pairs of exemplar and label, and the query."""
    return 2 * len(batch.row) - 1


def pattern_keys(model: ModelConfig) -> frozenset[str]:
    """What to `keep` to get the attention patterns of all layers."""
    return frozenset(site_key(Point.PATTERN, layer) for layer in range(model.layers))


def embed(model: ModelConfig, parameters: Parameters, batch: Batch) -> Tensor:
    """Token sequence E(x0), L(y0), E(x1), L(y1), ..., E(x_query): [W, T, B]."""
    table = parameters["example_embed.weight"] @ batch.features.mT
    table = table + parameters["example_embed.bias"][:, None]
    exemplars = table[:, batch.row]  # [W, P + 1, B]
    # A product with one-hot columns: its gradient is a product too, not a scatter.
    label_embed = parameters["label_embed.weight"]
    classes = torch.arange(label_embed.shape[1], device=batch.labels.device)
    one_hot = (classes[:, None, None] == batch.labels).to(label_embed.dtype)
    labels = (label_embed @ one_hot.flatten(1)).unflatten(1, batch.labels.shape)
    pairs = torch.stack([exemplars[:, :-1], labels], dim=2).flatten(1, 2)
    x = torch.cat([pairs, exemplars[:, -1:]], dim=1)
    return x + positions if (positions := _positions(model, parameters, x)) is not None else x


def _positions(model: ModelConfig, parameters: Parameters, x: Tensor) -> Tensor | None:
    """What absolute positions add to the embedding, [W, T, 1]."""
    if model.positions == "learned":
        return parameters["position_embed.weight"][:, :, None]
    if model.positions == "sinusoidal":
        return _sinusoids(model.width, x.shape[1], x)[:, :, None]
    return None


def _sinusoids(width: int, tokens: int, like: Tensor) -> Tensor:
    """sin and cos of t / 10000^(2j / width), interleaved, [W, T] (Vaswani et al. 2017, 3.5)."""
    position = torch.arange(tokens, device=like.device, dtype=like.dtype)
    pair = torch.arange((width + 1) // 2, device=like.device, dtype=like.dtype)
    angle = position[None] * torch.exp(pair * (-2 * log(ROTARY_BASE) / width))[:, None]
    return torch.stack([angle.sin(), angle.cos()], dim=1).flatten(0, 1)[:width]


def _block(
    model: ModelConfig, parameters: Parameters, layer: int, x: Tensor, tap: Tap, rows: Rows
) -> Tensor:
    """Pre-LN attention (and MLP, if any) on the residual stream; returns its last tokens."""
    block = f"blocks.{layer}"
    attended = _attention(model, parameters, layer, x, tap, rows)
    x = x[:, -rows.onward :] + tap(Point.ATTN_OUT, attended, layer=layer)
    if f"{block}.mlp.in.weight" in parameters:
        hidden = _linear(_norm(x, parameters, f"{block}.mlp_norm"), parameters, f"{block}.mlp.in")
        x = x + _linear(gelu(hidden), parameters, f"{block}.mlp.out")
    return tap(Point.RESID, x, layer=layer)


def _attention(
    model: ModelConfig, parameters: Parameters, layer: int, x: Tensor, tap: Tap, rows: Rows
) -> Tensor:
    """Multi-head causal attention, [W, T, B] -> [W, rows, B]. q.k / sqrt(D), softmax, sum of v."""
    q, k, v = _qkv(model, parameters, layer, _inputs(layer, x, tap), rows.looking)  # [H, D, T, B]
    q = tap(Point.Q, q, layer=layer)
    k = tap(Point.K, k, layer=layer)
    v = tap(Point.V, v, layer=layer)
    score = (q[:, :, :, None] * k[:, :, None]).sum(1) / sqrt(model.head_dim)  # [H, I, J, B]
    score = tap(Point.SCORE, score.masked_fill(_future(score), MASKED), layer=layer)
    pattern = tap(Point.PATTERN, _softmax(score), layer=layer)
    shares = pattern[:, None, -rows.onward :]
    z = tap(Point.Z, (shares * v[:, :, None]).sum(3), layer=layer)  # [H, D, I, B]
    return _linear(z.flatten(0, 1), parameters, f"blocks.{layer}.attn.out")


def _inputs(layer: int, x: Tensor, tap: Tap) -> list[Tensor]:
    """The streams that queries, keys and values are made from: one, unless a clamp tells them
    apart."""
    return [tap(p, x, layer=layer) for p in (Point.Q_INPUT, Point.K_INPUT, Point.V_INPUT)]


def _qkv(
    model: ModelConfig, parameters: Parameters, layer: int, inputs: list[Tensor], rows: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries of the last `rows` tokens, keys and values of all; rotated where positions are."""
    tokens = inputs[0].shape[1]
    q, k, v = _projected(model, parameters, f"blocks.{layer}", inputs, rows)
    if model.positions != "rotary":
        return q, k, v
    cos, sin = _rotation(model.head_dim, tokens, inputs[0])
    return _rotate(q, cos[:, -rows:], sin[:, -rows:]), _rotate(k, cos, sin), v


def _projected(
    model: ModelConfig, parameters: Parameters, block: str, inputs: list[Tensor], rows: int
) -> list[Tensor]:
    """[H, D, T, B] each, with as few products as the inputs allow."""
    q_in, k_in, v_in = inputs
    q_from = _norm(q_in, parameters, f"{block}.norm")
    k_from = q_from if k_in is q_in else _norm(k_in, parameters, f"{block}.norm")
    v_from = k_from if v_in is k_in else _norm(v_in, parameters, f"{block}.norm")
    weight, bias = parameters[f"{block}.attn.qkv.weight"], parameters.get(f"{block}.attn.qkv.bias")

    def product(x: Tensor, first: int, last: int) -> list[Tensor]:
        """Queries are 0, keys 1, values 2."""
        own = slice(first * model.width, last * model.width)
        y = _apply(x, weight[own], bias if bias is None else bias[own])
        return list(y.unflatten(0, (last - first, model.heads, -1)).unbind())

    if q_from is k_from is v_from and rows == q_from.shape[1]:
        return product(q_from, 0, 3)
    queries = product(q_from[:, -rows:], 0, 1)
    if k_from is v_from:
        return queries + product(k_from, 1, 3)
    return queries + product(k_from, 1, 2) + product(v_from, 2, 3)


def _rotation(head_dim: int, tokens: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin of t / 10000^(2j / D) for pair j at token t: [D / 2, T, 1] (Su et al. 2021)."""
    pair = torch.arange(head_dim // 2, device=like.device, dtype=like.dtype)
    frequency = torch.exp(pair * (-2 * log(ROTARY_BASE) / head_dim))
    position = torch.arange(tokens, device=like.device, dtype=like.dtype)
    angle = (frequency[:, None] * position)[:, :, None]
    return angle.cos(), angle.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each interleaved pair (2j, 2j + 1) of [H, D, T, B] by its angle."""
    even, odd = x.unflatten(1, (-1, 2)).unbind(2)
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=2).flatten(1, 2)


def _future(score: Tensor) -> Tensor:
    """True where a key lies after its query, [I, J, 1]; queries are the last I tokens."""
    queries, keys = score.shape[1], score.shape[2]
    query = torch.arange(keys - queries, keys, device=score.device)
    return (torch.arange(keys, device=score.device)[None] > query[:, None])[:, :, None]


def _softmax(score: Tensor) -> Tensor:
    """Softmax over keys."""
    return score.softmax(2)


def _norm(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    """LayerNorm over the width (axis 0), with gain and bias."""
    mean = x.mean(0, keepdim=True)
    centred = x - mean
    normed = centred * (centred.square().mean(0, keepdim=True) + NORM_EPSILON).rsqrt()
    extra = [1] * (x.ndim - 1)
    gain, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
    return normed * gain.view(-1, *extra) + bias.view(-1, *extra)


def _linear(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    return _apply(x, parameters[f"{name}.weight"], parameters.get(f"{name}.bias"))


def _apply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """weight @ x + bias over axis 0 of [in, T, B]."""
    y = weight @ x.flatten(1)
    y = y if bias is None else y + bias[:, None]
    return y.view(-1, *x.shape[1:])


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-log softmax of the target's logit, per sequence: [labels, B], [B] -> [B], nats."""
    return logits.logsumexp(0) - logits.gather(0, target[None]).squeeze(0)
