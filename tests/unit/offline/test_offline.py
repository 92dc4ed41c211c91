"""`python -m worker train`: files it writes, and what it says about bad input."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from app.services.series.names import series_of
from tests.unit.science.support import small
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


def save_weights(path: Path, *, attn_bias: bool) -> dict[str, np.ndarray]:
    model = small.config().model.model_copy(update={"attn_bias": attn_bias})
    trainer = small.trainer(small.config().model_copy(update={"model": model}))
    weights = {name: array.numpy() for name, array in trainer.weights(0).items()}
    np.savez(path, **{f"init/{name}": array for name, array in weights.items()})
    return weights


def without_bias_option() -> dict:
    content = small.config().model_dump(mode="json")
    del content["model"]["attn_bias"]
    return content


@pytest.mark.parametrize("attn_bias", [False, True])
def test_attention_biases_are_as_the_initial_weights_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attn_bias: bool
) -> None:
    save_weights(tmp_path / "w.npz", attn_bias=attn_bias)
    given = ["--initial-weights", str(tmp_path / "w.npz"), "--weights-prefix", "init"]

    assert train(tmp_path, json.dumps(without_bias_option()), *given) == 0

    word = "yes" if attn_bias else "no"
    said = f"Attention biases: {word}, as the initial weights have it."
    assert said in capsys.readouterr().out.splitlines()
    kept = json.loads((tmp_path / "out" / "config.json").read_text())
    assert kept["model"]["attn_bias"] is attn_bias


def test_a_config_and_initial_weights_that_disagree_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(tmp_path / "w.npz", attn_bias=False)
    given = ["--initial-weights", str(tmp_path / "w.npz"), "--weights-prefix", "init"]
    narrow = without_bias_option()
    narrow["model"]["width"] = 8

    assert train(tmp_path, small.config().model_dump_json(), *given) == 1
    assert "model.attn_bias is true, but the initial weights have none" in capsys.readouterr().err
    assert train(tmp_path, json.dumps(narrow), *given) == 1
    assert "has shape [16, 512], the model needs [8, 512]" in capsys.readouterr().err


def test_a_graft_is_trained_with_from_a_file(tmp_path: Path) -> None:
    donor = save_weights(tmp_path / "d.npz", attn_bias=True)
    graft = {
        "kind": "graft_in",
        "site": "L0.resid",
        "checkpoint": f"file:{tmp_path / 'd.npz'}#init",
    }
    config = small.config().model_dump(mode="json") | {"program": [graft]}

    assert train(tmp_path, json.dumps(config)) == 0

    with np.load(tmp_path / "out" / "checkpoints" / "00000000256.npz") as last:
        for name in ("example_embed.weight", "blocks.0.attn.out.weight"):  # below the graft
            np.testing.assert_array_equal(last[name], donor[name])
        assert not np.array_equal(
            last["blocks.1.attn.out.weight"], donor["blocks.1.attn.out.weight"]
        )


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("{", (), "is not JSON"),
        ("[]", (), "config.json must be a JSON object"),
        ('{"task": 3}', ("--dataset", "glyphs"), "task must be a JSON object"),
        ('{"train_iters": 1000}', (), "a config of the published code; what `optoscope import"),
        ("{}", ("--out", "/dev/null/out"), "/dev/null/out"),
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
    assert main(["bench", "--cohorts", "1,many"]) == 1

    assert "write sizes from 1 to 1000" in capsys.readouterr().err
