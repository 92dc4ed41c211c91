"""Training without services: a config in, measurements and weights out.

Writes `config.json`, `measurements.csv` (one line per measurement, columns as in the API's CSV),
`frames.npz` (patterns [layer, head, probe, query, key] by sequences) and the checkpoints as
`checkpoints/{sequences:011d}.npz`.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from pydantic import ValidationError

from app.schemas.config import RunConfig
from app.schemas.published.config import KNOWN
from app.schemas.words import grouped
from app.services.series.names import series_of
from worker.config_errors import places_of
from worker.offline import say
from worker.offline.donors import file_donors
from worker.offline.weights import Weights, check_fit, has_attention_biases, read_weights
from worker.science.data.datasets import load_dataset
from worker.science.machine.devices import choose_device
from worker.science.training.loop import Report, Trainer, cohort_shape


def train(given: argparse.Namespace) -> None:
    """`python -m worker train`. Raises ValueError or OSError for input that cannot be."""
    weights = None
    if given.initial_weights is not None:
        weights = read_weights(given.initial_weights, given.weights_prefix)
    config = read_config(given.config, given.dataset, weights)
    dataset = load_dataset(config.task, config.seeds.dataset)
    shape = cohort_shape(config, dataset)
    if weights is not None:
        check_fit(shape, weights, str(given.initial_weights))
    trainer = Trainer(
        [config],
        [dataset],
        initial=None if weights is None else [weights],
        compile=not given.no_compile,
        threads=given.threads,
        donors=file_donors(config.program, config, shape),
        device=choose_device(given.device),
    )
    with Folder.open(given.out, config) as folder:
        _train_into(folder, trainer)


def _train_into(folder: "Folder", trainer: Trainer) -> None:
    trainer.warm_up()
    for line in (f"Training on {trainer.device}.", *trainer.notices):
        say(line)
    for (report,) in trainer.reports():
        folder.write(report)
        loss = report.measurement.loss[0]
        say(f"{grouped(report.measurement.sequences)} sequences, training loss {loss:.4f}")


def read_config(path: Path, dataset: str | None, weights: Weights | None) -> RunConfig:
    """A config from JSON; `dataset` replaces the one it names, and what it leaves open of
    attention biases is as the initial weights have it."""
    content = json_object(path)
    if content.keys() & set(KNOWN) - RunConfig.model_fields.keys():
        raise ValueError(
            f"{path} is a config of the published code; what `optoscope import {path}` writes "
            f"can be trained"
        )
    if dataset is not None:
        content["task"] = part_of(content, "task", path) | {"dataset": dataset}
    if weights is not None:
        content["model"] = _with_biases(part_of(content, "model", path), path, weights)
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{path}: {places_of(error)}") from None


def json_object(path: Path) -> dict[str, Any]:
    """A config as it is written. Raises ValueError for what is none."""
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must be a JSON object, for instance {{}} for the paper's config")
    return content


def part_of(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    """One section of a config, empty where it is left out."""
    part = content.get(name, {})
    if not isinstance(part, dict):
        raise ValueError(f"{path}: {name} must be a JSON object")
    return part


def _with_biases(model: dict[str, Any], path: Path, weights: Weights) -> dict[str, Any]:
    """The model's options with the attention biases that the weights have, said in one line."""
    has = has_attention_biases(weights)
    if "attn_bias" not in model:
        say(f"Attention biases: {'yes' if has else 'no'}, as the initial weights have it.")
    elif model["attn_bias"] is not has:
        raise ValueError(
            f"{path}: model.attn_bias is {json.dumps(model['attn_bias'])}, but the initial weights "
            f"have {'attention biases' if has else 'none'}; write {json.dumps(has)} or leave it out"
        )
    return model | {"attn_bias": has}


@dataclass
class Folder:
    """What an offline run leaves behind."""

    path: Path
    config: RunConfig
    table: TextIO
    frames: dict[str, np.ndarray]

    @classmethod
    @contextmanager
    def open(cls, path: Path, config: RunConfig) -> Iterator["Folder"]:
        """Creates the folder; what an earlier run left in it is overwritten."""
        (path / "checkpoints").mkdir(parents=True, exist_ok=True)
        (path / "config.json").write_text(config.model_dump_json(indent=2) + "\n")
        with (path / "measurements.csv").open("w", newline="") as table:
            folder = cls(path, config, table, {})
            titles = [series.title for series in series_of(config)]
            folder._line("sequences", "elapsed_seconds", *titles)
            yield folder
        np.savez_compressed(path / "frames.npz", **folder.frames)  # type: ignore[arg-type]  # its stub takes keywords for allow_pickle

    def write(self, report: Report) -> None:
        """Keeps one report."""
        one = report.measurement
        values = [series.of(one) for series in series_of(self.config)]
        self._line(one.sequences, one.elapsed_seconds, *values)
        self.table.flush()
        if report.patterns is not None:
            self.frames[str(one.sequences)] = report.patterns
        if report.weights is not None:
            arrays: dict[str, Any] = {name: w.numpy() for name, w in report.weights.items()}
            np.savez(self.path / "checkpoints" / f"{one.sequences:011d}.npz", **arrays)

    def _line(self, *cells: object) -> None:
        csv.writer(self.table, lineterminator="\n").writerow(cells)
