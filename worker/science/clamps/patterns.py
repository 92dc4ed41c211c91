"""Attention patterns that depend on the sequence: of labels, and of how alike exemplars look."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from app.schemas.clamps.base import MASKED
from worker.science.model import Batch


def label_shares(batch: Batch, tokens: int) -> tuple[Tensor, Tensor]:
    """Even shares of attention over the label tokens of the query's class, and over the others.

    Two [T, B] tensors over key tokens; each sums to 1 over T.
    """
    right = (batch.labels == batch.target).to(torch.float32)  # [P, B]
    wrong = 1 - right
    return (
        on_label_tokens(right / right.sum(0), tokens),
        on_label_tokens(wrong / wrong.sum(0), tokens),
    )


def cosines(batch: Batch) -> Tensor:
    """Cosine of the raw features of each context exemplar and the query, [P, B]."""
    unit = normalize(batch.features, dim=-1)[batch.row]  # [P + 1, B, features]
    return (unit[:-1] * unit[-1]).sum(-1)


def match_shares(cosine: Tensor, temperature: Tensor) -> Tensor:
    """softmax(cosine / temperature) over context pairs; at 0 all on the most alike, evenly.

    cosine [P, B]; temperature [...] -> [..., P, B]. Paper section 3, option 11.
    """
    heat = temperature[..., None, None]
    soft = (cosine / torch.where(heat > 0, heat, 1.0)).softmax(-2)
    best = (cosine == cosine.amax(0)).to(cosine.dtype)
    return torch.where(heat > 0, soft, best / best.sum(0))


def copied_logits(score: Tensor, batch: Batch, labels: int) -> Tensor:
    """Logits that say what a head attends to: [J, B] scores of the query -> [labels, B].

    A label's logit is the log-sum-exp of the scores of its tokens, so that its probability is the
    share of attention that they get among label tokens; labels out of context get -1e9. Paper
    section 3, option 5.
    """
    classes = torch.arange(labels, device=batch.labels.device)
    is_label = classes[:, None, None] == batch.labels  # [labels, P, B]
    tokens = torch.where(is_label, score[1::2], MASKED)
    return torch.where(is_label.any(1), tokens.logsumexp(1), MASKED)


def on_label_tokens(share: Tensor, tokens: int) -> Tensor:
    """[..., P, B] -> [..., T, B]: label j stands at token 2 j + 1."""
    pairs = torch.stack([torch.zeros_like(share), share], dim=-2).flatten(-3, -2)
    return torch.cat([pairs, torch.zeros_like(share[..., :1, :])], dim=-2)[..., :tokens, :]
