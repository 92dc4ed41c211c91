"""All sequences of a task through one model, under each program: numbers, not activations."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.schemas.config import RunConfig
from app.schemas.words import grouped
from worker.config_errors import places_of
from worker.offline import say
from worker.offline.arrays import whole_file
from worker.offline.donors import file_donors
from worker.offline.options import Manipulation, read_manipulations
from worker.offline.training import json_object, part_of
from worker.offline.weights import Weights, check_fit, model_of, read_weights, sizes_of
from worker.science.analysis.evaluation import Manner, Subject, measured
from worker.science.analysis.results import Inspected, Mean
from worker.science.clamps.program import ProgramData, compile_program
from worker.science.data.datasets import Dataset, load_features
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool
from worker.science.parameters import Shape


def exhaustive(given: argparse.Namespace) -> None:
    """`python -m worker exhaustive`. Raises ValueError or OSError for input that cannot be."""
    weights = read_weights(given.weights, given.weights_prefix)
    where = f"{given.weights} at {given.weights_prefix!r}"
    config = _config(given.config, weights, where)
    dataset = _dataset(given.features, config, sizes_of(weights, where)[0])
    shape = _shape(config, dataset, weights, where)
    chosen = read_manipulations(given.programs, config, at=given.at)
    subject = _subject(config, dataset, shape, weights)
    manner = Manner(given.at, compile=given.compile, threads=given.threads or _cores())
    with whole_file(given.out) as file:
        found = _measured(subject, chosen, shape, manner)
        text = json.dumps({one.name: found[n] for n, one in enumerate(chosen)}, indent=1)
        file.write(f"{text}\n".encode())
    say(f"Wrote {given.out}.")


def _measured(
    subject: Subject, chosen: list[Manipulation], shape: Shape, manner: Manner
) -> dict[int, dict[str, Any]]:
    """Document of each program, by its place."""
    programs = [_compiled(one, shape) for one in chosen]
    unclamped = [number for number, one in enumerate(chosen) if one.reports_unclamped]
    found = {}
    for one in measured(subject, programs, manner, unclamped=unclamped):
        found[one.program] = document(one)
        say(f"{chosen[one.program].name}: loss {one.metrics['loss'].value:.4f}")
    return found


def document(one: Inspected) -> dict[str, Any]:
    """What is written of one program; of a sample with standard errors."""
    numbers: dict[str, Mean] = {
        "loss": one.metrics["loss"],
        "accuracy": one.metrics["accuracy"],
        "in_context_accuracy": one.metrics["in_context_accuracy"],
        "induction_strength": one.induction_strength,
        "previous_token_attention": one.previous_token_attention,
    }
    found: dict[str, Any] = {"sequences": len(one.sequences), "mistakes": one.mistakes}
    found |= {name: mean.value.tolist() for name, mean in numbers.items()}
    if one.sequences.is_sample:
        found["sampled_from"] = one.sequences.population
        found["standard_error"] = {name: mean.error.tolist() for name, mean in numbers.items()}
    return found


def _compiled(one: Manipulation, shape: Shape) -> ProgramData:
    return compile_program(one.config, file_donors(one.program, one.config, shape))


def _config(path: Path, weights: Weights, where: str) -> RunConfig:
    """The run's config; what it leaves open of the model is as the weights have it."""
    content = json_object(path)
    model = model_of(weights, where) | part_of(content, "model", path)
    try:
        return RunConfig.model_validate(content | {"model": model})
    except ValidationError as error:
        raise ValueError(f"{path}: {places_of(error)}") from None


def _dataset(path: Path, config: RunConfig, width: int) -> Dataset:
    """Features that have what training draws from; what only tests need may be missing."""
    dataset, task = load_features(path), config.task
    classes, exemplars, found = dataset.features.shape
    if found != width:
        raise ValueError(f"{path}: features have {found} dimensions, the weights take {width}")
    for name, has, needs in (
        ("classes", classes, task.classes),
        ("exemplars of each class", exemplars, task.exemplars),
    ):
        if has < needs:
            raise ValueError(f"{path}: has {has} {name}, the config trains with {needs}")
    return dataset


def _shape(config: RunConfig, dataset: Dataset, weights: Weights, where: str) -> Shape:
    features = dataset.features.shape[-1]
    shape = Shape(config.model, features, config.task.labels, config.task.context_pairs)
    check_fit(shape, weights, where)
    return shape


def _subject(config: RunConfig, dataset: Dataset, shape: Shape, weights: Weights) -> Subject:
    pool = training_pool(config)
    sequences = sequences_of(config, pool)
    if sequences.is_sample:
        say(
            f"Note: the task has {grouped(sequences.population)} sequences; a sample of "
            f"{grouped(len(sequences))} is looked at, with standard errors."
        )
    return Subject.of(shape, shape.flatten(weights)[None], dataset, pool, sequences)


def _cores() -> int:
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
