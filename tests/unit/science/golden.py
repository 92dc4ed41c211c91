"""The golden numbers, and the published code's options as our clamps."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.schemas.clamp import Ablate, PatternName, Program, SetPattern
from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig
from app.schemas.site import Site
from worker.science.model import Batch

FOLDER = Path(__file__).parents[2] / "golden"
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
        program=program,
    )


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
    """The published code's options, where a clamp of ours exists."""
    clamps: list = [Ablate(site=site) for site in _sites(spec.get("ablate_heads", []), "v")]
    rows = "pattern[labels]" if spec.get("prev_token_only_label") else "pattern"
    for site in _sites(spec.get("prev_token_heads", []), rows):
        strength = spec.get("prev_token_head_strength", 1.0)
        clamps.append(SetPattern(site=site, target=PatternName.PREVIOUS_TOKEN, strength=strength))
    for site in _sites(spec.get("induction_heads", []), "pattern[query]"):
        strength = spec.get("induction_head_strength", 1.0)
        clamps.append(SetPattern(site=site, target=PatternName.INDUCTION, strength=strength))
    return tuple(clamps)


def _sites(heads: list[str], point: str) -> list[Site]:
    return [Site.parse("L{}H{}.{}".format(*head.split(":"), point)) for head in heads]
