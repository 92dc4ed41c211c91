"""What `evaluate` and `replay` look at: a model, and sequences that fit it."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from worker.offline.sequences import Sequences, read_sequences
from worker.offline.weights import Weights, read_weights, shape_of, sizes_of
from worker.science.parameters import Shape


@dataclass(frozen=True)
class Inputs:
    """A model and sequences."""

    weights: Weights
    shape: Shape
    sequences: Sequences


def read_inputs(given: argparse.Namespace, sequences: Path, *, axes: int) -> Inputs:
    """From the files that the command line names."""
    weights = read_weights(given.weights, given.weights_prefix)
    where = f"{given.weights} at {given.weights_prefix!r}"
    width, labels = sizes_of(weights, where)
    read = read_sequences(sequences, given.features, axes=axes, labels=labels, width=width)
    shape = shape_of(weights, read.pairs, given.heads, given.positions, where)
    return Inputs(weights, shape, read)
