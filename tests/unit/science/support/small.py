"""Small configs that train in a moment, for tests."""

from typing import Any

from app.schemas.clamps.kinds import Program
from app.schemas.config import (
    ModelConfig,
    RecordingConfig,
    RunConfig,
    SeedConfig,
    TaskConfig,
    TrainingConfig,
)
from worker.science.data.datasets import Dataset, load_dataset
from worker.science.training.loop import Report, Trainer


def config(program: Program = (), **changes: Any) -> RunConfig:
    """A model of two layers of two heads on random vectors; `task`, `training` ... may be given."""
    parts = {
        "model": ModelConfig(heads=2, width=16),
        "task": TaskConfig(dataset="gaussian", classes=10, new_classes=5),
        "training": TrainingConfig(sequences=256, batch_size=16, learning_rate=1e-3),
        "seeds": SeedConfig(),
        "recording": RecordingConfig(
            evaluate_every=64, evaluation_sequences=40, frame_every=128, checkpoint_every=128
        ),
    }
    return RunConfig(**(parts | changes), program=program)


def dataset(of: RunConfig) -> Dataset:
    return load_dataset(of.task, of.seeds.dataset)


def train(*configs: RunConfig, **options: Any) -> list[tuple[Report, ...]]:
    shared = dataset(configs[0])
    return list(trainer(*configs, shared=shared, **options).reports())


def trainer(*configs: RunConfig, shared: Dataset | None = None, **options: Any) -> Trainer:
    shared = shared or dataset(configs[0])
    return Trainer(configs, [shared] * len(configs), compile=False, **options)
