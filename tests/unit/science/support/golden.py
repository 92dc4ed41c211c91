"""The golden numbers, and the published code's options as our clamps."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.schemas.clamps.kinds import Program
from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig
from app.schemas.published.options import PublishedOptions, exact_program
from worker.science.model import Batch

FOLDER = Path(__file__).parents[3] / "golden"
MODEL = ModelConfig(attn_bias=False)


def options(file: str) -> dict[str, dict]:
    return json.loads((FOLDER / f"{file}.json").read_text())


def arrays(file: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{file}.npz") as stored:
        return dict(stored)


def config(program: Program, learning_rate: float = 1e-3) -> RunConfig:
    return RunConfig(
        model=MODEL,
        task=TaskConfig(dataset="gaussian", classes=40, new_classes=10),
        training=TrainingConfig(learning_rate=learning_rate),
    ).model_copy(update={"program": program})  # some options of the published code do nothing


def weights(stored: dict[str, np.ndarray], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): torch.from_numpy(array)
        for name, array in stored.items()
        if name.startswith(start)
    }


def batch(class_idx: np.ndarray, labels: np.ndarray) -> Batch:
    """[n, 3] class numbers and labels, the query's last."""
    features = torch.from_numpy(np.load(FOLDER / "features.npy"))
    classes, given = (
        torch.from_numpy(array).long().T.contiguous() for array in (class_idx, labels)
    )
    return Batch(features, classes, given[:2], given[2])


def program(spec: dict) -> Program:
    """The published code's options as clamps."""
    return exact_program(PublishedOptions.model_validate(spec))
