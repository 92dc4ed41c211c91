"""Training without services: a config in, measurements and weights out.

Writes `config.json`, `measurements.csv` (one line per measurement, columns as in the API's CSV),
`frames.npz` (patterns [layer, head, probe, query, key] by sequences) and the checkpoints as
`checkpoints/{sequences:011d}.npz`.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from app.schemas.config import RunConfig
from app.schemas.words import grouped
from app.services.series import series_of
from worker.science.datasets import load_dataset
from worker.science.loop import Report, Trainer


def train(given: argparse.Namespace) -> None:
    """`python -m worker train`. Raises ValueError or OSError for input that cannot be."""
    config = read_config(given.config, given.dataset)
    initial = None
    if given.initial_weights is not None:
        initial = [read_weights(given.initial_weights, given.weights_prefix)]
    trainer = Trainer(
        [config],
        [load_dataset(config.task, config.seeds.dataset)],
        initial=initial,
        compile=not given.no_compile,
        threads=given.threads,
    )
    trainer.warm_up()
    for line in (f"Training on {trainer.device}.", *trainer.notices):
        say(line)
    with Folder.open(given.out, config) as folder:
        for (report,) in trainer.reports():
            folder.write(report)
            loss = report.measurement.loss[0]
            say(f"{grouped(report.measurement.sequences)} sequences, training loss {loss:.4f}")


def read_config(path: Path, dataset: str | None = None) -> RunConfig:
    """A config from JSON; `dataset` replaces the one it names."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if dataset is not None:
        content.setdefault("task", {})["dataset"] = dataset
    return RunConfig.model_validate(content)


def read_weights(path: Path, prefix: str) -> dict[str, Tensor]:
    """Weights by name from the arrays of an .npz file whose names start with `prefix/`."""
    start = f"{prefix.rstrip('/')}/" if prefix else ""
    with np.load(path, allow_pickle=False) as stored:
        names = [name for name in stored.files if name.startswith(start)]
        if not names:
            raise ValueError(f"{path} has no arrays whose names start with {start!r}")
        return {name.removeprefix(start): torch.from_numpy(stored[name]) for name in names}


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


def say(line: str) -> None:
    """To the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
