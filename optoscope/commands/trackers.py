"""Commands that hand runs to other dashboards, by those dashboards' own libraries, where they are.

Each number goes under the name of its series, at the sequences seen. What is not finite stays so.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from optoscope.client import Client
from optoscope.commands.command import Command
from optoscope.commands.printer import Printer

AT_ONCE = 1000  # numbers that MLflow takes together
_NOT_SERIES = ("run_id", "sequences", "computed_at", "elapsed_seconds", "nonfinite")


@dataclass(frozen=True)
class TrackedPoint:
    """A measurement as others have it: where, when (seconds since 1970), and every number."""

    sequences: int
    at: float
    numbers: Mapping[str, float]


def points_of(client: Client, run_id: str, series: list[str]) -> Iterator[TrackedPoint]:
    """Every measurement of a run, in order."""
    rest = b""
    for piece in client.export([run_id], *series, format="jsonl"):
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(_point, lines)


def _point(line: bytes) -> TrackedPoint:
    said = json.loads(line)
    odd = said.get("nonfinite", {})
    numbers = {
        name: float(odd.get(name, "nan") if number is None else number)
        for name, number in said.items()
        if name not in _NOT_SERIES
    }
    at = datetime.fromisoformat(said["computed_at"]).timestamp()
    return TrackedPoint(said["sequences"], at, numbers)


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ids")
    parser.add_argument("--series", action="append", default=[], help="such as 'loss.*'; else all")


def _add_tensorboard(parser: argparse.ArgumentParser) -> None:
    _add(parser)
    parser.add_argument("--logdir", type=Path, required=True, metavar="DIR", help="where to")


def _add_wandb(parser: argparse.ArgumentParser) -> None:
    _add(parser)
    parser.add_argument("--project", default="optoscope", help="what holds the runs")


def _add_mlflow(parser: argparse.ArgumentParser) -> None:
    _add(parser)
    parser.add_argument("--experiment", default="optoscope", help="what holds the runs")


def _tensorboard(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    files = _library("tensorboard.summary.writer.event_file_writer", "tensorboard")
    events = _library("tensorboard.compat.proto.event_pb2", "tensorboard")
    for run_id in given.runs:
        folder = given.logdir / client.run(run_id).id
        writer = files.EventFileWriter(str(folder))
        for point in points_of(client, run_id, given.series):
            event = events.Event(wall_time=point.at, step=point.sequences)
            for name, number in point.numbers.items():
                event.summary.value.add(tag=name.replace(".", "/", 1), simple_value=number)
            writer.add_event(event)
        writer.close()
        printer.line(str(folder))
    return 0


def _wandb(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    wandb = _library("wandb", "wandb")
    for run_id in given.runs:
        run = client.run(run_id)
        # By its id, so that what was sent before is gone on with and not made a second time.
        made = wandb.init(
            project=given.project, name=run.name, id=run.id, config=run.config(), resume="allow"
        )
        for point in points_of(client, run_id, given.series):
            made.log(dict(point.numbers), step=point.sequences)
        made.finish()
        printer.line(f"{given.project}/{run.id}")
    return 0


def _mlflow(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    mlflow = _library("mlflow", "mlflow")
    mlflow.set_experiment(given.experiment)
    for run_id in given.runs:
        run = client.run(run_id)
        with mlflow.start_run(run_name=run.name, tags={"optoscope.run": run.id}) as made:
            mlflow.log_params(dict(_flat(run.config())))
            metrics = _metrics(mlflow, points_of(client, run_id, given.series))
            while some := list(islice(metrics, AT_ONCE)):
                mlflow.MlflowClient().log_batch(made.info.run_id, metrics=some)
            printer.line(f"{given.experiment}/{made.info.run_id}")
    return 0


def _metrics(mlflow: ModuleType, points: Iterator[TrackedPoint]) -> Iterator[Any]:
    for point in points:
        for name, number in point.numbers.items():
            moment = round(1000 * point.at)
            yield mlflow.entities.Metric(name, number, moment, point.sequences)


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", json.dumps(value)[:500]


def _library(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        said = f"This needs the package {package}: pip install {package} ({error})."
        raise ImportError(said) from None


COMMANDS = (
    Command("tensorboard", _add_tensorboard, _tensorboard),
    Command("wandb", _add_wandb, _wandb),
    Command("mlflow", _add_mlflow, _mlflow),
)
