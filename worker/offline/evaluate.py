"""Clamps on given sequences: patterns, logits and losses of one model under each program."""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from app.schemas.clamps.kinds import InductionPattern
from app.schemas.config import TrainingConfig
from worker.offline import say
from worker.offline.arrays import Array, output
from worker.offline.donors import file_donors
from worker.offline.inputs import Inputs, read_inputs
from worker.offline.options import Manipulation, config_of, read_manipulations
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import ProgramData, compile_program
from worker.science.model import Batch, Output, cross_entropy, forward, pattern_keys
from worker.science.training.loop import DEFAULT_THREADS

AT_ONCE = 2048  # sequences of one pass, which bounds the memory


def evaluate(given: argparse.Namespace) -> None:
    """`python -m worker evaluate`. Raises ValueError or OSError for input that cannot be."""
    torch.set_num_threads(given.threads or DEFAULT_THREADS)
    inputs = read_inputs(given, given.sequences, axes=2)
    moment = {"sequences": given.at + 1, "batch_size": 1}
    training = TrainingConfig().model_copy(update=moment)
    chosen = read_manipulations(given.options, config_of(inputs.shape, training), at=given.at)
    with output(given.out) as put:
        for one in chosen:
            seen = evaluated(one, inputs, given.at, given.write)
            for part in given.write:
                put(f"{one.name}/{part}", seen[part])
            say(f"{one.name}: loss {seen['loss'].mean():.4f}")
    say(f"Wrote {given.out}.")


@torch.no_grad()
def evaluated(
    one: Manipulation, inputs: Inputs, at: int, wanted: Sequence[str] = ()
) -> dict[str, Array]:
    """logits [n, labels] and loss [n], and, if wanted, attn [n, layer, head, query, key]."""
    if any(isinstance(clamp, InductionPattern) for clamp in one.program):
        inputs.sequences.check_context_labels()
    program = compile_program(one.config, file_donors(one.program, one.config, inputs.shape))
    count = len(inputs.sequences.row)
    size = count if one.reads_batch else AT_ONCE
    parts = [
        _part(one, program, inputs, inputs.sequences.batch(slice(start, start + size)), at, wanted)
        for start in range(0, count, size)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _part(
    one: Manipulation,
    program: ProgramData,
    inputs: Inputs,
    batch: Batch,
    at: int,
    wanted: Sequence[str],
) -> dict[str, Array]:
    """As `evaluated`, of some of the sequences."""
    weights, model = inputs.weights, inputs.shape.model
    keep, clock = pattern_keys(model), torch.tensor([at])
    passes = Passes(inputs.shape, program.layout)
    seen = passes(weights, program.tensors, batch, clock, keep, whole=True)
    loss = cross_entropy(seen.logits, batch.target).numpy()
    found = {"logits": seen.logits.T.numpy(), "loss": loss}
    if "attn" not in wanted:
        return found
    shown = forward(model, weights, batch, keep=keep, whole=True) if one.reports_unclamped else seen
    return found | {"attn": _patterns(shown, model.layers).numpy()}


def _patterns(seen: Output, layers: int) -> Tensor:
    patterns = torch.stack([seen.kept[f"L{layer}.pattern"] for layer in range(layers)])
    return patterns.permute(4, 0, 1, 2, 3)
