"""The baseline's process, which compiles once and then trains a run whenever it is asked to."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from app.schemas.config import RunConfig
from worker.bench.track import Pace
from worker.science.data.datasets import load_dataset
from worker.science.data.splits import label_combinations
from worker.science.parameters import initial_parameters
from worker.science.training.loop import cohort_shape

COMMAND = (sys.executable, "-m", "worker.bench.baseline")
NEEDED = ("jax", "optax")
MISSING = "No baseline to compare with: JAX is missing; pip install 'optoscope[bench]' adds it."


def is_installed() -> bool:
    """Whether what the baseline needs is there."""
    return all(find_spec(name) is not None for name in NEEDED)


@dataclass(frozen=True)
class BaselineProcess:
    """Trains one run after the other. `about`: which JAX, on which device."""

    about: str
    _asked: IO[str]
    _answers: "_Answers"

    @classmethod
    @contextmanager
    def started(
        cls, config: RunConfig, folder: Path, command: Sequence[str] = COMMAND
    ) -> Iterator["BaselineProcess"]:
        """On the task and the initial weights of a config, in a folder that is there. It has
        compiled when this returns. Raises ValueError if it ends before."""
        np.savez(folder / "task.npz", **_task(config))
        with (
            (folder / "baseline.log").open("w+") as log,
            subprocess.Popen(
                [*command, folder / "task.npz", folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            answers = _Answers(process.stdout, folder / "baseline.log")
            try:
                told = answers.next()
                about = f"JAX {told['version']} on {told['device']}"
                yield cls(about, process.stdin, answers)
            finally:
                process.kill()

    def lap(self, sequences: int, every: int) -> Pace:
        """Trains a run of such a length, evaluated and kept `every` so many sequences."""
        self._asked.write(json.dumps({"sequences": sequences, "every": every}) + "\n")
        self._asked.flush()
        return Pace(**self._answers.next())


@dataclass(frozen=True)
class _Answers:
    """A line of JSON each; `log` is where the process complains."""

    lines: IO[str]
    log: Path

    def next(self) -> dict[str, Any]:
        """Raises ValueError with the last complaint if the process has ended."""
        line = self.lines.readline()
        if not line:
            complaints = self.log.read_text().splitlines() or ["it said nothing"]
            raise ValueError(f"the baseline has ended: {complaints[-1]}")
        found: dict[str, Any] = json.loads(line)
        return found


def _task(config: RunConfig) -> dict[str, Any]:
    """What the baseline is told of a task, see there."""
    task = config.task
    dataset = load_dataset(task, config.seeds.dataset)
    known, held_out = label_combinations(config)
    weights = initial_parameters(cohort_shape(config, dataset), config.seeds.initial)
    return {
        "features": dataset.features.numpy(),
        "classes": task.classes,
        "exemplars": task.exemplars,
        "new_classes": task.new_classes,
        "known": known,
        "held_out": held_out,
        **{f"initial/{name}": array.numpy() for name, array in weights.items()},
    }
