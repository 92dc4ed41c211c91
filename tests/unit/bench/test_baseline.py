"""The baseline that `bench` compares with trains the paper's model, and writes what is said."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.unit.science.support import golden

pytestmark = pytest.mark.slow  # JAX compiles


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baseline")


@pytest.fixture(scope="module")
def facts(folder: Path) -> dict[str, np.ndarray]:
    command = [sys.executable, "-m", "tests.unit.bench.baseline_facts"]
    # The transcription is what is tested: half of the time would be the compiler's passes.
    environment = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    subprocess.run([*command, folder / "facts.npz", folder], check=True, env=environment)
    with np.load(folder / "facts.npz") as found:
        return dict(found)


def test_it_trains_as_the_published_code_does(facts: dict[str, np.ndarray]) -> None:
    stored = golden.arrays("train")

    np.testing.assert_allclose(facts["loss"], stored["loss/none"], rtol=1e-4)
    start = "final/none/"
    final = [name for name in stored if name.startswith(start)]
    for name in final:
        ours = facts[f"final/{name.removeprefix(start)}"]
        np.testing.assert_allclose(ours, stored[name], atol=2e-4, rtol=0, err_msg=name)
    assert len(final) == len([name for name in facts if name.startswith("final/")])


def test_a_run_is_evaluated_and_kept_when_it_is_due(
    facts: dict[str, np.ndarray], folder: Path
) -> None:
    sequences, seconds, cpu = facts["lap"]
    with h5py.File(folder / "log.h5") as log:
        evaluated, losses = log["eval_iter"][:], log["train_loss"][:]
        evaluators = sorted(name for name, part in log.items() if isinstance(part, h5py.Group))
        sizes = {part.shape for part in log["fsl_train"].values()}

    assert sequences == 128  # 100, in whole batches
    assert seconds > 0
    assert cpu > 0
    assert evaluated.tolist() == [0, 64, 128]
    assert losses.shape == (4,)
    assert evaluators == ["fsl_test_class", "fsl_train", "fsl_train_valex", "fsl_val_rl"]
    assert sizes == {(3, 1000)}
    kept = sorted(path.name for path in folder.glob("0*.npz"))
    assert kept == ["00000000000.npz", "00000000064.npz", "00000000128.npz"]


def test_sequences_ask_for_one_of_their_two_classes(facts: dict[str, np.ndarray]) -> None:
    exemplars, labels, target = (
        facts[f"drawn/{name}"] for name in ("exemplars", "labels", "target")
    )
    is_asked = (exemplars[:, :2] == exemplars[:, 2:]).all(axis=2)

    assert (is_asked.sum(axis=1) == 1).all()
    assert (labels[is_asked] == target).all()
    assert 400 < is_asked[:, 0].sum() < 600  # of a thousand: either place
    pairs = {tuple(sorted(pair)) for pair in labels.tolist()}
    assert pairs == {(1, 3), (0, 2)}  # those held out
    assert 400 < (target == labels.min(axis=1)).sum() < 600  # either label
    assert len(np.unique(exemplars[:, 2], axis=0)) == 40
