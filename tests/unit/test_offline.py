"""`python -m worker train`: files it writes, and what it says about bad input."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from app.services.series import series_of
from tests.unit.science import small
from worker.__main__ import main


def train(tmp_path: Path, content: str, *more: str) -> int:
    (tmp_path / "config.json").write_text(content)
    out = ["--out", str(tmp_path / "out"), "--no-compile"]
    return main(["train", str(tmp_path / "config.json"), *out, *more])


def test_a_run_leaves_its_measurements_frames_and_checkpoints(tmp_path: Path) -> None:
    config = small.config()

    assert train(tmp_path, config.model_dump_json()) == 0

    with (tmp_path / "out" / "measurements.csv").open() as table:
        rows = list(csv.DictReader(table))
    (first, *_), *_, (last,) = small.train(config)
    assert [int(row["sequences"]) for row in rows] == [0, 64, 128, 192, 256]
    for series in series_of(config):
        assert float(rows[0][series.title]) == series.of(first.measurement)
        assert float(rows[-1][series.title]) == series.of(last.measurement)
    with np.load(tmp_path / "out" / "frames.npz") as frames:
        np.testing.assert_array_equal(frames["256"], last.patterns)
    with np.load(tmp_path / "out" / "checkpoints" / "00000000256.npz") as weights:
        assert set(weights.files) == set(last.weights)
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == config.model_dump(
        mode="json"
    )


def test_training_goes_on_from_given_weights(tmp_path: Path) -> None:
    config = small.config()
    weights = small.trainer(config).weights(0)
    np.savez(tmp_path / "w.npz", **{f"init/{n}": 2 * w.numpy() for n, w in weights.items()})
    given = ["--initial-weights", str(tmp_path / "w.npz"), "--weights-prefix", "init"]

    assert train(tmp_path, config.model_dump_json(), *given) == 0

    with np.load(tmp_path / "out" / "checkpoints" / "00000000000.npz") as stored:
        for name, array in weights.items():
            np.testing.assert_array_equal(stored[name], 2 * array.numpy())


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("{", (), "is not JSON"),
        ('{"training": {"sequences": 0}}', (), "training.sequences: Input should be greater"),
        ('{"program": [{"kind": "ablate", "site": "L1H8.v"}]}', (), "program.0: L1H8.v: the model"),
        ("{}", ("--dataset", "file:/nowhere.npz"), "/nowhere.npz"),
        ("{}", ("--initial-weights", "/nowhere.npz"), "/nowhere.npz"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, more: tuple, message: str
) -> None:
    assert train(tmp_path, content, *more) == 1

    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_cohorts_that_cannot_be_measured_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--cohorts", "1,8"]) == 1

    assert "one at a time" in capsys.readouterr().err
