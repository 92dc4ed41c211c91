"""The model, its clamps and its training agree with the paper's published code."""

import numpy as np
import pytest
import torch

from tests.unit.science import golden
from worker.science.cohort import Adam, Step, TrainingState, stack_programs
from worker.science.loop import adam_settings, correction
from worker.science.model import cross_entropy, forward, pattern_keys
from worker.science.parameters import Shape
from worker.science.program import bind, program_tensors

FORWARD, TRAIN = golden.options("forward"), golden.options("train")


@pytest.mark.parametrize("name", FORWARD)
def test_forward_pass_equals_the_published_one(name: str) -> None:
    stored = golden.arrays("forward")
    config = golden.config(golden.program(FORWARD[name]))
    batch = golden.batch(stored["class_idx"], stored["labels"])
    edits = bind(program_tensors(config), batch)

    weights = golden.weights(stored, "params/trained")
    seen = forward(golden.MODEL, weights, batch, edits, pattern_keys(golden.MODEL))

    patterns = torch.stack([seen.kept["L0.pattern"], seen.kept["L1.pattern"]])
    expected = {part: stored[f"out/trained/{name}/{part}"] for part in ("attn", "logits", "loss")}
    np.testing.assert_allclose(patterns.permute(4, 0, 1, 2, 3), expected["attn"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(seen.logits.T, expected["logits"], atol=1e-4, rtol=0)
    loss = cross_entropy(seen.logits, batch.target)
    np.testing.assert_allclose(loss, expected["loss"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", FORWARD)
def test_the_query_row_alone_gives_the_same_logits(name: str) -> None:
    stored = golden.arrays("forward")
    batch = golden.batch(stored["class_idx"], stored["labels"])
    edits = bind(program_tensors(golden.config(golden.program(FORWARD[name]))), batch)
    weights = golden.weights(stored, "params/trained")

    short = forward(golden.MODEL, weights, batch, edits).logits
    long = forward(golden.MODEL, weights, batch, edits, pattern_keys(golden.MODEL)).logits

    torch.testing.assert_close(short, long, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", TRAIN)
def test_training_under_a_clamp_equals_the_published_one(name: str) -> None:
    stored = golden.arrays("train")
    config = golden.config(golden.program(TRAIN[name]), float(stored["lr"]))
    shape = Shape(golden.MODEL, features=32, labels=5, context_pairs=2)
    flat = shape.flatten(golden.weights(stored, "params/init"))[None]
    state = TrainingState(flat, torch.zeros_like(flat), torch.zeros_like(flat))
    adam: Adam = adam_settings([config])
    program, step = stack_programs([program_tensors(config)]), Step(shape)

    losses = []
    for update, (classes, labels) in enumerate(
        zip(stored["class_idx"], stored["labels"], strict=True)
    ):
        batch = golden.batch(classes, labels)
        ours = batch._replace(
            row=batch.row[None], labels=batch.labels[None], target=batch.target[None]
        )
        state, loss = step(state, adam, correction([config], update), program, ours)
        losses.append(loss.item())

    np.testing.assert_allclose(losses, stored[f"loss/{name}"], rtol=1e-4)
