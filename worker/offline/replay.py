"""Training on exactly the given batches, under each program: losses and final weights."""

import argparse

import torch
from pydantic import ValidationError
from torch import Tensor

from app.schemas.clamps.kinds import InductionPattern
from app.schemas.config import RunConfig, TrainingConfig
from worker.config_errors import places_of
from worker.offline import say
from worker.offline.arrays import Array, output
from worker.offline.donors import file_donors
from worker.offline.inputs import Inputs, read_inputs
from worker.offline.options import Manipulation, config_of, read_manipulations
from worker.science.clamps.program import Tensors, compile_program, stack_programs
from worker.science.machine.compiler import Compiled
from worker.science.model import Batch
from worker.science.training.functions import Adam, TrainingState, TrainingStep
from worker.science.training.loop import DEFAULT_THREADS
from worker.science.training.updates import adam_settings, correction

WORTH_COMPILING = 5000  # updates: compiling takes half a minute, and saves some 5 ms an update


def replay(given: argparse.Namespace) -> None:
    """`python -m worker replay`. Raises ValueError or OSError for input that cannot be."""
    torch.set_num_threads(given.threads or DEFAULT_THREADS)
    inputs = read_inputs(given, given.batches, axes=3)
    training = _training(given, inputs)
    chosen = read_manipulations(given.options, config_of(inputs.shape, training))
    with output(given.out) as put:
        for one in chosen:
            trained = replayed(one, inputs, compile=not given.no_compile)
            for part, array in trained.items():
                put(f"{one.name}/{part}", array)
            first, last = trained["loss"][0], trained["loss"][-1]
            say(f"{one.name}: loss {first:.4f} in the first update, {last:.4f} in the last")
    say(f"Wrote {given.out}.")


def _training(given: argparse.Namespace, inputs: Inputs) -> TrainingConfig:
    """Adam's settings, and the length that the batches have."""
    names = ("learning_rate", "beta1", "beta2", "epsilon")
    try:
        adam = TrainingConfig.model_validate({name: getattr(given, name) for name in names})
    except ValidationError as error:
        raise ValueError(f"--{places_of(error)}") from None
    updates, size, _ = inputs.sequences.row.shape
    return adam.model_copy(update={"sequences": updates * size, "batch_size": size})


@torch.no_grad()
def replayed(one: Manipulation, inputs: Inputs, *, compile: bool) -> dict[str, Array]:
    """loss [updates], of each batch before its update, and final/PARAMETER."""
    if any(isinstance(clamp, InductionPattern) for clamp in one.program):
        inputs.sequences.check_context_labels()
    state, losses = _trained(one.config, inputs, compile)
    final = inputs.shape.unflatten(state.parameters[0])
    return {"loss": losses.numpy()} | {f"final/{name}": w.numpy() for name, w in final.items()}


def _trained(config: RunConfig, inputs: Inputs, compile: bool) -> tuple[TrainingState, Tensor]:
    shape, updates = inputs.shape, config.training.updates
    program = compile_program(config, file_donors(config.program, config, shape))
    step = Compiled(
        TrainingStep(shape, program.layout), enabled=compile and updates >= WORTH_COMPILING
    )
    adam, stacked = adam_settings([config]), stack_programs([program])

    def arguments(state: TrainingState, update: int) -> _Arguments:
        batch, numbers = _batch(inputs, update), _numbers(config, update)
        return state, adam, correction([config], update), stacked, batch, numbers

    flat = shape.flatten(inputs.weights)[None]
    state = TrainingState(flat, torch.zeros_like(flat), torch.zeros_like(flat))
    step.warm_up(*arguments(state, 0))
    if step.notice:
        say(step.notice)
    losses = []
    for update in range(updates):
        state, loss = step(*arguments(state, update))
        losses.append(loss[0])
    return state, torch.stack(losses)


_Arguments = tuple[TrainingState, Adam, Tensor, Tensors, Batch, Tensor]


def _batch(inputs: Inputs, update: int) -> Batch:
    """With a run axis, but for the features: all runs share those."""
    features, *parts = inputs.sequences.batch(update)
    return Batch(features, *(part[None] for part in parts))


def _numbers(config: RunConfig, update: int) -> Tensor:
    """Which sequences a batch holds, counted from 0: windows open and close by them."""
    size = config.training.batch_size
    return torch.arange(size) + update * size
