"""What other dashboards are handed; their own libraries are played here, but for TensorBoard's."""

import json
import math
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from optoscope.commands import trackers
from optoscope.commands.parser import parser
from optoscope.commands.printer import Printer

LINES = [
    {"run_id": "a", "sequences": 0, "computed_at": "2026-01-02T12:00:00+00:00"}
    | {"elapsed_seconds": 0.0, "loss.train": 0.75, "induction_strength.L1H0": -0.5},
    {"run_id": "a", "sequences": 32, "computed_at": "2026-01-02T12:00:01.500000+00:00"}
    | {"elapsed_seconds": 1.5, "loss.train": None, "induction_strength.L1H0": 0.25}
    | {"nonfinite": {"loss.train": "inf"}},
]
WHEN = 1767355200.0


class Lab:
    """A client of a server with one run."""

    def run(self, run_id: str) -> Any:
        config = {"model": {"layers": 2}, "seeds": {"initial": 5}}
        return SimpleNamespace(id=run_id, name="Seed 5", config=lambda: config)

    def export(self, runs: list[str], *series: str, format: str) -> Any:
        content = b"".join(json.dumps(line).encode() + b"\n" for line in LINES)
        assert format == "jsonl"
        yield from (content[at : at + 7] for at in range(0, len(content), 7))


def act(*words: str) -> str:
    given = parser().parse_args(words)
    return str(given.act(given, Lab(), Printer(as_json=False)))


def test_every_measurement_with_what_is_not_finite():
    first, second = trackers.points_of(Lab(), "a", [])

    assert first.numbers == {"loss.train": 0.75, "induction_strength.L1H0": -0.5}
    assert (second.sequences, second.at) == (32, WHEN + 1.5)
    assert second.numbers["loss.train"] == math.inf


def test_a_run_of_weights_and_biases_has_its_id_and_config(monkeypatch):
    told: list[Any] = []
    made = SimpleNamespace(
        log=lambda numbers, step: told.append((step, numbers)), finish=lambda: told.append("end")
    )
    library = SimpleNamespace(init=lambda **said: told.append(said) or made)
    monkeypatch.setitem(sys.modules, "wandb", library)

    assert act("wandb", "a", "--project", "heads") == "0"

    assert told[0]["id"] == "a"
    assert told[0]["config"] == {"model": {"layers": 2}, "seeds": {"initial": 5}}
    assert [step for step, _ in told[1:-1]] == [0, 32]
    assert told[-1] == "end"


def test_a_run_of_mlflow_has_options_as_parameters_and_numbers_by_sequences(monkeypatch):
    told: list[Any] = []
    started = SimpleNamespace(info=SimpleNamespace(run_id="theirs"))
    library = SimpleNamespace(
        set_experiment=told.append,
        start_run=lambda **said: nullcontext(started),
        log_params=told.append,
        entities=SimpleNamespace(Metric=lambda *said: said),
        MlflowClient=lambda: SimpleNamespace(
            log_batch=lambda run_id, metrics: told.append((run_id, metrics))
        ),
    )
    monkeypatch.setitem(sys.modules, "mlflow", library)

    assert act("mlflow", "a", "--experiment", "heads") == "0"

    experiment, parameters, (run_id, metrics) = told
    assert (experiment, run_id) == ("heads", "theirs")
    assert parameters == {"model.layers": "2", "seeds.initial": "5"}
    assert metrics[0] == ("loss.train", 0.75, round(1000 * WHEN), 0)
    assert [one[3] for one in metrics] == [0, 0, 32, 32]


def test_event_files_are_read_by_tensorboard(tmp_path):
    assert act("tensorboard", "a", "--logdir", str(tmp_path)) == "0"

    found = EventAccumulator(str(tmp_path / "a")).Reload()
    losses = found.Scalars("loss/train")
    assert [(one.step, one.wall_time, one.value) for one in losses] == [
        (0, WHEN, 0.75),
        (32, WHEN + 1.5, math.inf),
    ]


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_library_that_is_not_there_is_named(monkeypatch, name):
    for module in (name, "tensorboard.summary.writer.event_file_writer"):
        monkeypatch.setitem(sys.modules, module, None)
    more = ["--logdir", "x"] if name == "tensorboard" else []

    with pytest.raises(ImportError, match=f"pip install {name}"):
        act(name, "a", *more)
