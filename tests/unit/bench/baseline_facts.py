"""What the baseline computes, in a process of its own: JAX has threads that no fork survives, and
whatever runs after it in the same process might fork.

`python -m tests.unit.bench.baseline_facts OUT.npz FOLDER`: one process, since compiling is what
takes its time.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from worker.bench import baseline
from worker.bench.baseline import Baseline, BaselineBatch

GOLDEN = Path(__file__).parents[2] / "golden"
INITIAL = "params/init/"


def trained() -> dict[str, np.ndarray]:
    """The losses of the golden batches, and the weights after them."""
    stored = np.load(GOLDEN / "train.npz")
    # Before the update is compiled, which holds it.
    baseline.ADAM = optax.adam(float(stored["lr"]))
    weights = {name: jnp.asarray(array) for name, array in _initial().items()}
    state, losses = baseline.ADAM.init(weights), []
    for classes, labels in zip(stored["class_idx"], stored["labels"], strict=True):
        weights, state, loss = baseline.updated(weights, state, _batch(classes, labels))
        losses.append(loss)
    final = {f"final/{name}": np.asarray(array) for name, array in weights.items()}
    return {"loss": np.asarray(losses), **final}


def run(folder: Path) -> dict[str, np.ndarray]:
    """A short run: how many sequences it had, and one set of those that it is evaluated on."""
    short = Baseline(_task(), folder)
    lap = short.lap(100, 64)
    held_out = short.fixed["fsl_val_rl"]
    drawn = {f"drawn/{name}": np.asarray(part) for name, part in held_out._asdict().items()}
    return {"lap": np.array([lap["sequences"], lap["seconds"], lap["cpu_seconds"]]), **drawn}


def _task() -> dict[str, np.ndarray]:
    """The golden features: 40 classes to train with, 10 new ones, each twice."""
    features = np.load(GOLDEN / "features.npy")[:, None].repeat(2, axis=1)
    pairs = np.array([[1, 2], [2, 3], [0, 4], [1, 3], [0, 2]])
    counts = {"classes": 40, "exemplars": 1, "new_classes": 10}
    initial = {f"initial/{name}": array for name, array in _initial().items()}
    return {"features": features, "known": pairs[:3], "held_out": pairs[3:], **counts, **initial}


def _initial() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "train.npz") as stored:
        names = [name for name in stored if name.startswith(INITIAL)]
        return {name.removeprefix(INITIAL): stored[name] for name in names}


def _batch(classes: np.ndarray, labels: np.ndarray) -> BaselineBatch:
    features = np.load(GOLDEN / "features.npy")[classes]
    given = jnp.asarray(labels)
    return BaselineBatch(jnp.asarray(features), given[:, :2], given[:, 2])


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    np.savez(sys.argv[1], **trained(), **run(Path(sys.argv[2])))
