"""Small models in double precision, under any program: for comparing what programs do."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.config import ModelConfig, RunConfig, TaskConfig, dimensions_of
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import Donor, compile_program
from worker.science.model import Batch, Output
from worker.science.parameters import Shape, initial_parameters

CLASSES, FEATURES, LABELS, SEQUENCES = 9, 12, 5, 12
DONOR = "donor@5"  # the checkpoint that grafts may name


def config(program: Sequence[BaseClamp] = (), pairs: int = 2, **model: object) -> RunConfig:
    """A config whose program is not checked."""
    small = {"layers": 2, "heads": 2, "width": 8} | model
    task = TaskConfig(context_pairs=pairs, labels=LABELS, classes=CLASSES)
    plain = RunConfig(model=ModelConfig.model_validate(small), task=task)
    return plain.model_copy(update={"program": tuple(program)})


def dimensions(of: RunConfig) -> Dimensions:
    return dimensions_of(of.model, of.task, of.training)


def shape(of: RunConfig) -> Shape:
    return Shape(of.model, FEATURES, LABELS, of.task.context_pairs)


@cache
def weights(of: Shape, seed: int = 7) -> dict[str, Tensor]:
    """Far from the initial ones, so that nothing is near zero by chance."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: tensor.double() + 0.4 * torch.randn(tensor.shape, generator=generator).double()
        for name, tensor in initial_parameters(of, seed).items()
    }


@cache
def batch(pairs: int = 2, seed: int = 0) -> Batch:
    """Sequences of distinct classes, the query one of them."""
    generator = torch.Generator().manual_seed(seed)

    def distinct(size: int, chosen: int) -> Tensor:
        draws = [torch.randperm(size, generator=generator)[:chosen] for _ in range(SEQUENCES)]
        return torch.stack(draws, 1)

    labels, row = distinct(LABELS, pairs), distinct(CLASSES, pairs + 1)
    which = torch.randint(0, pairs, (SEQUENCES,), generator=generator)
    every = torch.arange(SEQUENCES)
    row[-1] = row[which, every]
    features = torch.randn(CLASSES, FEATURES, generator=generator).double()
    return Batch(features, row, labels, labels[which, every])


def run(of: RunConfig, *, at: int = 0, keep: Sequence[str] = ()) -> Output:
    """The pass under a config's program, at a training sequence."""
    own = shape(of)
    plain = of.model_copy(update={"program": ()})
    donors = {DONOR: Donor(plain, own, weights(own, 8), 5)}
    program = compile_program(of, donors)
    tensors = tuple(
        {name: one.double() if one.is_floating_point() else one for name, one in part.items()}
        for part in program.tensors
    )
    clock = torch.tensor([at])
    pairs = of.task.context_pairs
    return Passes(own, program.layout)(
        weights(own), tensors, batch(pairs), clock, frozenset(keep), whole=True
    )


def logits(of: RunConfig, at: int = 0) -> Tensor:
    return run(of, at=at).logits


def difference(one: Tensor, other: Tensor) -> float:
    return float(((one - other).abs() / (1 + one.abs())).max())
