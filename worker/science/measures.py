"""Measures: numbers per model or per head, pure functions of activations.

Axes as in `worker.science.model`; source: paper section 4.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from app.schemas.clamps.base import MASKED
from worker.science.clamps.patterns import label_shares
from worker.science.model import Batch, cross_entropy


def induction_strength(pattern: Tensor, batch: Batch) -> Tensor:
    """Attention of the query to the right label tokens minus that to the wrong ones, per head.

    pattern [H, I, J, B] -> [H], the mean over sequences. 1 is a perfect induction head, 0 has no
    preference, -1 is the opposite. A pattern clamped to `induction` with strength s scores
    2 s - 1. Source: arXiv 2404.07129 section 4.
    """
    return induction_by_sequence(pattern, batch).mean(-1)


def induction_by_sequence(pattern: Tensor, batch: Batch) -> Tensor:
    """The same of each sequence: [H, I, J, B] -> [H, B]."""
    right, wrong = label_shares(batch, pattern.shape[2])
    sign = (right > 0).to(pattern.dtype) - (wrong > 0).to(pattern.dtype)
    return (pattern[:, -1] * sign).sum(1)


def previous_token_strength(pattern: Tensor, batch: Batch) -> Tensor:
    """Attention of the label tokens to the token before them, corrected for chance, per head.

    pattern [H, T, T, B] -> [H]: the mean over label tokens i and sequences of a - (1 - a) / i with
    a = attention of i to i - 1. Token i sees i others besides, so uniform attention scores 0, all
    attention one token back scores 1. Source: the published code's visualize_runs.py.
    """
    token = torch.arange(1, pattern.shape[1], 2, device=pattern.device)
    attention = pattern[:, token, token - 1]  # [H, P, B]
    return (attention - (1 - attention) / token[:, None]).mean((1, 2))


def previous_token_attention(pattern: Tensor) -> Tensor:
    """Attention of each token but the first to the one before it: [H, T, T, B] -> [H, T - 1, B]."""
    token = torch.arange(1, pattern.shape[1], device=pattern.device)
    return pattern[:, token, token - 1]


# The measures of `schemas.series.HEADS`: of a layer's pattern on a batch, one number per head.
HEAD_MEASURES: Mapping[str, Callable[[Tensor, Batch], Tensor]] = {
    "induction_strength": induction_strength,
    "previous_token_strength": previous_token_strength,
}


def query_metrics(logits: Tensor, batch: Batch) -> Tensor:
    """The metrics of `schemas.measure.METRICS`, in that order, per sequence: [5, B].

    logits [labels, B]. In-context accuracy looks only at labels that occur in the context.
    """
    classes = torch.arange(logits.shape[0], device=logits.device)
    present = (classes[:, None, None] == batch.labels).any(1)  # [labels, B]
    probability = logits.softmax(0)
    among_present = torch.where(present, logits, MASKED).argmax(0)
    return torch.stack(
        [
            cross_entropy(logits, batch.target),
            (logits.argmax(0) == batch.target).to(logits.dtype),
            (among_present == batch.target).to(logits.dtype),
            probability.gather(0, batch.target[None]).squeeze(0),
            (probability * present).sum(0),
        ]
    )
