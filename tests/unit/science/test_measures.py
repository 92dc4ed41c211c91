"""Measures by hand-computed numbers."""

from math import log

import pytest
import torch

from worker.science.measures import induction_strength, previous_token_strength, query_metrics
from worker.science.model import Batch

# Two sequences of two pairs: the query's label is the first, then the second.
BATCH = Batch(torch.empty(0), torch.empty(0), torch.tensor([[3, 0], [1, 2]]), torch.tensor([3, 2]))


def test_induction_strength_is_attention_to_the_right_label_minus_the_wrong() -> None:
    pattern = torch.zeros(1, 5, 5, 2)
    pattern[0, 4, :, 0] = torch.tensor([0.1, 0.6, 0.1, 0.1, 0.1])
    pattern[0, 4, :, 1] = torch.tensor([0.0, 0.3, 0.0, 0.7, 0.0])

    assert induction_strength(pattern, BATCH).item() == pytest.approx((0.5 + 0.4) / 2)


def test_uniform_attention_has_no_previous_token_strength() -> None:
    pattern = torch.tril(torch.ones(5, 5)) / torch.arange(1, 6)[:, None]

    assert previous_token_strength(pattern[None, ..., None], BATCH).item() == pytest.approx(
        0, abs=1e-7
    )


def test_attention_one_token_back_has_previous_token_strength_one() -> None:
    pattern = torch.diag(torch.ones(4), -1)

    assert previous_token_strength(pattern[None, ..., None], BATCH).item() == 1


def test_previous_token_strength_looks_at_label_tokens_only() -> None:
    pattern = torch.zeros(1, 5, 5, 1)
    pattern[0, 1, 0] = 0.5
    pattern[0, 3, 2] = 0.4

    expected = ((0.5 - 0.5 / 1) + (0.4 - 0.6 / 3)) / 2
    assert previous_token_strength(pattern, BATCH).item() == pytest.approx(expected)


def test_query_metrics_by_hand() -> None:
    # Labels 0 to 3. First: uniform. Second: label 0 largest, label 2 right, both in context.
    logits = torch.tensor([[0.0, log(3)], [0.0, 0.0], [0.0, log(2)], [0.0, 0.0]])

    loss, accuracy, in_context, correct, context = query_metrics(logits, BATCH)

    torch.testing.assert_close(loss, torch.tensor([log(4), -log(2 / 7)]))
    torch.testing.assert_close(correct, torch.tensor([1 / 4, 2 / 7]))
    torch.testing.assert_close(context, torch.tensor([2 / 4, 5 / 7]))
    assert accuracy.tolist() == [0, 0]
    assert in_context[1] == 0


def test_in_context_accuracy_ignores_labels_that_are_absent() -> None:
    logits = torch.tensor([[9.0, 9.0], [0.0, 0.0], [9.0, 8.0], [5.0, 9.0]])

    _, accuracy, in_context, _, _ = query_metrics(logits, BATCH)

    assert accuracy[0] == 0
    assert in_context[0] == 1  # 0 and 2 are absent from the first context; 3 beats 1
