"""Training on a device against training on the processor, program by program."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from app.schemas.clamps.kinds import Program
from app.schemas.config import RecordingConfig, RunConfig, SeedConfig, TrainingConfig
from worker.science.data.datasets import load_dataset
from worker.science.machine.devices import CPU
from worker.science.training.loop import Report, Trainer, TrainerState

UPDATES, BATCH = 24, 32
EVERY = 8 * BATCH  # sequences between reports
LOSS = 1e-4  # nats by which a loss may differ, by the order of sums
PARAMETERS = 1e-2  # of what the updates changed, root mean square


class Trained(NamedTuple):
    """What a short training reported, and where it ended."""

    losses: np.ndarray  # [report, run, evaluator], nats
    strengths: np.ndarray  # [report, run, layer, head]
    parameters: torch.Tensor  # [run, parameter]


def check_program(program: Program, device: torch.device, *, compile: bool) -> dict[str, Any]:
    """How far a device is from the processor under a program, and from itself."""
    reference = _train(program, CPU, compile=False)
    once, again = (_train(program, device, compile=compile) for _ in range(2))
    resumed = _resumed(program, device, compile=compile)
    found = {
        "loss_difference": float(np.abs(once.losses - reference.losses).max()),
        "strength_difference": float(np.abs(once.strengths - reference.strengths).max()),
        "parameter_difference": _share_of_the_way(once, reference, program),
        "repeats": torch.equal(once.parameters, again.parameters),
        "resumes": torch.equal(once.parameters, resumed),
    }
    is_near = found["loss_difference"] <= LOSS and found["parameter_difference"] <= PARAMETERS
    return found | {"is_right": bool(is_near and found["repeats"] and found["resumes"])}


def _train(program: Program, device: torch.device, *, compile: bool) -> Trained:
    trainer = _trainer(program, device, compile=compile)
    trainer.warm_up()
    reports = list(trainer.reports())
    return Trained(
        np.array([[_losses(one) for one in at] for at in reports]),
        np.array([[one.measurement.induction_strength for one in at] for at in reports]),
        torch.stack([trainer.state(run).tensors["parameters"] for run in range(2)]),
    )


def _resumed(program: Program, device: torch.device, *, compile: bool) -> torch.Tensor:
    """The same, stopped half way and taken up by another trainer."""
    first = _trainer(program, device, compile=compile)
    first.warm_up()
    first.train(UPDATES // 2)
    second = _trainer(
        program, device, compile=compile, resume=[first.state(run) for run in range(2)]
    )
    second.warm_up()
    for _ in second.reports():
        pass
    return torch.stack([second.state(run).tensors["parameters"] for run in range(2)])


def _trainer(
    program: Program,
    device: torch.device,
    *,
    compile: bool,
    resume: Sequence[TrainerState | None] | None = None,
) -> Trainer:
    """Of two seeds, as stacks are of several."""
    recording = RecordingConfig(
        evaluate_every=EVERY, frame_every=EVERY, checkpoint_every=EVERY, evaluation_sequences=200
    )
    training = TrainingConfig(sequences=UPDATES * BATCH, batch_size=BATCH, learning_rate=1e-4)
    configs = [
        RunConfig(
            program=program, recording=recording, training=training, seeds=SeedConfig(initial=seed)
        )
        for seed in (5, 6)
    ]
    data = load_dataset(configs[0].task, configs[0].seeds.dataset)
    return Trainer(configs, [data] * 2, compile=compile, device=device, resume=resume)


def _losses(report: Report) -> list[float]:
    return list(report.measurement.loss)


def _share_of_the_way(once: Trained, reference: Trained, program: Program) -> float:
    """How far apart the ends are, of how far training went."""
    start = _trainer(program, CPU, compile=False)
    begun = torch.stack([start.state(run).tensors["parameters"] for run in range(2)])
    apart = (once.parameters - reference.parameters).square().mean().sqrt()
    return float(apart / (reference.parameters - begun).square().mean().sqrt())
