"""`python -m worker exhaustive`: every manipulation as `evaluate` has it, and refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.schemas.config import RunConfig
from tests.unit.offline.files import read, run, weights
from tests.unit.science.support import golden
from worker.__main__ import main
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool

TASK = {"classes": 5, "new_classes": 2, "held_out_pairs": [[2, 3], [3, 4]]}
SMALL_TASK = {"classes": 4, "new_classes": 2, "labels": 3}


class Files:
    """Inputs in a folder: the golden model's, unless replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out.json"
        self.given: dict[str, Any] = {
            "weights": golden.FOLDER / "forward.npz",
            "weights_prefix": "params/trained",
            "features": golden.FOLDER / "features.npy",
            "config": self.json("config.json", {"task": TASK}),
            "programs": self.json("programs.json", {"none": {}}),
            "out": self.out,
        }

    def json(self, name: str, content: Any) -> Path:
        (self.folder / name).write_text(json.dumps(content))
        return self.folder / name

    def run(self, **replaced: Any) -> int:
        return run("exhaustive", **(self.given | replaced))

    def result(self, **replaced: Any) -> dict[str, Any]:
        assert self.run(**replaced) == 0
        return json.loads(self.out.read_text())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def small_model(folder: Path) -> dict[str, Any]:
    """A model of two heads and three labels, and features for it."""
    np.savez(folder / "w.npz", **weights())
    np.save(folder / "f.npy", np.random.default_rng(1).standard_normal((4, 4)).astype("f4"))
    return {"weights": folder / "w.npz", "weights_prefix": None, "features": folder / "f.npy"}


def test_every_golden_manipulation_is_what_evaluate_makes_of_the_same_sequences(files, tmp_path):
    options = golden.FOLDER / "forward.json"
    found = files.result(programs=options)
    config = RunConfig.model_validate({"task": TASK})
    drawn = sequences_of(config, training_pool(config)).drawn
    labels = np.concatenate([drawn.labels, drawn.target[None]])
    np.savez(tmp_path / "all.npz", class_idx=drawn.classes.T, labels=labels.T)
    one_by_one = {name: files.given[name] for name in ("weights", "weights_prefix", "features")}
    out = tmp_path / "all.out.npz"
    one_by_one |= {"sequences": tmp_path / "all.npz", "options": options, "out": out}
    assert run("evaluate", **one_by_one) == 0
    each = read(out)

    assert found.keys() == golden.options("forward").keys()
    asked = (drawn.labels == drawn.target).argmax(0)
    for name, ours in found.items():
        logits, loss, attn = (each[f"{name}/{part}"] for part in ("logits", "loss", "attn"))
        assert ours["sequences"] == len(loss) == 5 * 4 * 16 * 2
        assert ours["mistakes"] == (logits.argmax(1) != drawn.target).sum(), name
        assert ours["loss"] == pytest.approx(loss.mean(dtype=float), rel=1e-5), name
        assert ours["accuracy"] == pytest.approx(1 - ours["mistakes"] / len(loss))
        every = np.arange(len(loss))
        last = attn[:, :, :, -1]
        strength = last[every, :, :, 2 * asked + 1] - last[every, :, :, 3 - 2 * asked]
        np.testing.assert_allclose(ours["induction_strength"], strength.mean(0), atol=1e-5)
        previous = attn[:, :, :, np.arange(1, 5), np.arange(4)].mean(0)
        np.testing.assert_allclose(ours["previous_token_attention"], previous, atol=1e-5)


def test_programs_of_clamps_of_every_kind_are_what_evaluate_makes_of_them(files, tmp_path):
    """Also those that look at other sequences, have a window, or graft."""
    model = small_model(tmp_path)
    np.savez(tmp_path / "donor.npz", **weights(seed=9))
    donor = f"file:{tmp_path / 'donor.npz'}"
    programs = files.json("programs.json", {
        "mean": [{"kind": "mean_ablate", "site": "L1H0.z"}],
        "resample": [{"kind": "resample", "site": "L0H1.z"}],
        "half": [{"kind": "scale", "site": "L1H1.z", "by": 0.5}],
        "windowed": [{"kind": "ablate", "site": "L1H0.v", "from_sequences": 50}],
        "grafted": [{"kind": "graft_in", "site": "L0.resid", "checkpoint": donor}],
    })  # fmt: skip
    config = files.json("config.json", {"task": SMALL_TASK, "model": {"heads": 2}})
    read_config = RunConfig.model_validate({"task": SMALL_TASK})
    drawn = sequences_of(read_config, training_pool(read_config)).drawn
    labels = np.concatenate([drawn.labels, drawn.target[None]])
    np.savez(tmp_path / "all.npz", class_idx=drawn.classes.T, labels=labels.T)

    found = files.result(**model, config=config, programs=programs, at=100)
    out = tmp_path / "each.npz"
    sequences = tmp_path / "all.npz"
    more = {"options": programs, "heads": 2, "at": 100, "write": "loss,logits"}
    assert run("evaluate", **model, sequences=sequences, out=out, **more) == 0

    each = read(out)
    assert not any(name.endswith("/attn") for name in each)
    for name, ours in found.items():
        assert ours["loss"] == pytest.approx(each[f"{name}/loss"].mean(dtype=float), rel=1e-5), name
        wrong = each[f"{name}/logits"].argmax(1) != drawn.target
        assert ours["mistakes"] == wrong.sum(), name


def test_the_configs_own_clamps_are_part_of_the_model(files, tmp_path):
    model = small_model(tmp_path)
    own = [{"kind": "ablate", "site": "L1H0.v"}]
    programs = files.json("p.json", {"none": {}, "other": [{"kind": "ablate", "site": "L0H1.v"}]})
    both = files.json("both.json", {"both": [*own, {"kind": "ablate", "site": "L0H1.v"}]})
    bare = {"task": SMALL_TASK, "model": {"heads": 2}}

    clamped = files.result(
        **model, config=files.json("c.json", bare | {"program": own}), programs=programs
    )
    given = files.result(**model, config=files.json("c.json", bare), programs=both)
    free = files.result(**model, config=files.json("c.json", bare), programs=programs)

    assert clamped["other"] == given["both"]
    assert clamped["none"]["loss"] != free["none"]["loss"]


def test_a_runs_checkpoint_is_read_as_it_is_served(files, tmp_path):
    model = small_model(tmp_path)
    save_file(weights(), tmp_path / "00000005024.safetensors")
    config = files.json("c.json", {"task": SMALL_TASK, "model": {"heads": 2}})

    ours = files.result(**model, config=config)
    served = files.result(
        **model | {"weights": tmp_path / "00000005024.safetensors"}, config=config
    )

    assert ours == served


@pytest.mark.parametrize(
    ("replaced", "sentence"),
    [
        ({"config": {"task": {"classes": 60}}}, "has 50 classes, the config trains with 60"),
        ({"config": {"task": {"exemplars": 2}}}, "has 1 exemplars of each class"),
        ({"config": {"task": {"labels": 10}}}, "label_embed.weight has shape"),
        ({"config": {"task": {"classes": 1}}}, "classes"),
        ({"config": {"model": {"width": 32}}}, "the model needs"),
        ({"config": [1]}, "must be a JSON object"),
        ({"programs": {"a": {"ablate_head": ["1:3"]}}}, "did you mean ablate_heads?"),
        ({"programs": {"a": [{"kind": "ablate", "site": "L5.v"}]}}, "the model has layers 0 to 1"),
        ({"programs": {}}, "must map names"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(files, capsys, replaced, sentence):
    given = {name: files.json(f"{name}.json", content) for name, content in replaced.items()}

    assert files.run(**given) == 1

    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not files.out.exists()


def test_broken_weights_are_one_sentence(files, capsys, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"no weights")

    assert files.run(weights=tmp_path / "w.safetensors") == 1

    assert "not a .safetensors file that can be read" in capsys.readouterr().err


def test_parts_that_evaluate_does_not_have_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--write", "loss,weights"])
    assert "'weights' is none of attn, logits, loss" in capsys.readouterr().err
