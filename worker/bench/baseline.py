"""The baseline: the paper's training loop in plain JAX, a program of its own, timed beside ours.

Written from the paper (arXiv 2404.07129) and a description of what its code does; this file holds
all of it and imports nothing of ours. It is what a researcher writes who wants these runs:

- An update is one jitted function: the mean loss of 32 sequences (`vmap` of a function of one), its
  gradient, Adam by optax, in float32; it may reuse the memory of the state that it is given.
- The batch of an update is drawn on the host by another jitted function, from a key that is split
  off before. Sequences carry their features, so that all 96 exemplars of a batch are embedded.
- Losses of updates stay with JAX until the next evaluation: no update waits for the one before.
- Every so many sequences four sets of 1,000 fixed sequences give eight numbers each, appended to
  an HDF5 file beside the losses; weights, moments and key become a checkpoint.
- How many threads and cores it takes is JAX's choice. Runs are trained one after the other.

The published code does more: it logs the size of every update's gradient, and how much that varies
in the batch. Ours does more, too: strengths of heads, attention frames, a database, pages that
follow. So this is the faster of the two that one could compare with.

`python -m worker.bench.baseline TASK.npz FOLDER` says in a line of JSON when it has compiled, and
then answers each line, {"sequences": N, "every": N}, with the seconds that such a run took. The
task: features [class, exemplar, 512]; classes, exemplars, new_classes, how many of them train, or
are new; known and held_out [pair, 2], of labels; initial/NAME, weights by our names.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

HEADS, LAYERS, BATCH, EVALUATED = 8, 2, 32, 1000
MASKED = -1e20
ADAM = optax.adam(1e-5)
SEEDS = {"train": 0, "evaluate": 1}

Weights = dict[str, Array]


class BaselineBatch(NamedTuple):
    """exemplars [n, 3, features], the query last; labels [n, 2] of the context; target [n]."""

    exemplars: Array
    labels: Array
    target: Array


class BaselineSource(NamedTuple):
    """What sequences are drawn from: parts of tables, so that one program draws from any.

    features [class, exemplar, 512]; pairs [pair, 2] of labels; of each of their axes a part
    [first, end].
    """

    features: Array
    pairs: Array
    class_part: Array
    exemplar_part: Array
    pair_part: Array


class BaselineState(NamedTuple):
    """All that an update changes."""

    weights: Weights
    adam: optax.OptState
    key: Array


# The model, of one sequence. Linear maps are [out, in], with a bias where the weights have one.


def logits_of(weights: Weights, exemplars: Array, labels: Array) -> Array:
    """[3, features] and [2] -> [labels], at the query."""
    x = _embedded(weights, exemplars, labels)
    for layer in range(LAYERS):
        normed = _norm(weights, f"blocks.{layer}.norm", x)
        x = x + _attention(weights, f"blocks.{layer}.attn", normed)
    return _linear(weights, "unembed", _norm(weights, "final_norm", x))[-1]


def _embedded(weights: Weights, exemplars: Array, labels: Array) -> Array:
    """Exemplar, label, exemplar, label, query: [5, width]."""
    first, second, query = _linear(weights, "example_embed", exemplars)
    table = weights["label_embed.weight"]
    one_hot = jax.nn.one_hot(labels, table.shape[1])
    label_of_first, label_of_second = one_hot @ table.T
    return jnp.stack([first, label_of_first, second, label_of_second, query])


def _attention(weights: Weights, name: str, x: Array) -> Array:
    """Causal, of all heads: [token, width] -> [token, width]."""
    tokens, width = x.shape
    qkv = _linear(weights, f"{name}.qkv", x).reshape(tokens, 3, HEADS, width // HEADS)
    queries, keys, values = jnp.transpose(qkv, (1, 2, 0, 3))  # [head, token, dimension] each
    scores = _turned(queries) @ jnp.swapaxes(_turned(keys), 1, 2) / jnp.sqrt(width / HEADS)
    seen = jnp.tril(jnp.ones((tokens, tokens), dtype=bool))
    read = jax.nn.softmax(jnp.where(seen, scores, MASKED)) @ values
    return _linear(weights, f"{name}.out", jnp.swapaxes(read, 0, 1).reshape(tokens, width))


def _turned(x: Array) -> Array:
    """Rotary positions: pairs (2j, 2j + 1) of [head, token, dimension] by t / 10000^(2j / d)."""
    _, tokens, size = x.shape
    angle = jnp.arange(tokens)[:, None] * 10_000.0 ** (-jnp.arange(0, size, 2) / size)
    cos, sin, even, odd = jnp.cos(angle), jnp.sin(angle), x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, odd * cos + even * sin], axis=-1).reshape(x.shape)


def _norm(weights: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    normed = centred * jax.lax.rsqrt(jnp.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
    return normed * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _linear(weights: Weights, name: str, x: Array) -> Array:
    y = x @ weights[f"{name}.weight"].T
    return y + weights[f"{name}.bias"] if f"{name}.bias" in weights else y


# Training and evaluation, of a batch.


def mean_loss(weights: Weights, batch: BaselineBatch) -> Array:
    """Cross-entropy at the query over all labels, nats."""
    logits = jax.vmap(logits_of, in_axes=(None, 0, 0))(weights, batch.exemplars, batch.labels)
    losses: Array = optax.softmax_cross_entropy_with_integer_labels(logits, batch.target)
    return losses.mean()


@partial(jax.jit, donate_argnums=(0, 1))
def updated(
    weights: Weights, state: optax.OptState, batch: BaselineBatch
) -> tuple[Weights, optax.OptState, Array]:
    """One update, and the loss before it."""
    loss, gradient = jax.value_and_grad(mean_loss)(weights, batch)
    change, state = ADAM.update(gradient, state, weights)
    weights = optax.apply_updates(weights, change)
    return weights, state, loss


@jax.jit
def evaluated(weights: Weights, sequences: BaselineBatch) -> dict[str, Array]:
    """Eight numbers of each sequence, [n] each: over all labels, those of the context, the rest."""
    logits = jax.vmap(logits_of, in_axes=(None, 0, 0))(
        weights, sequences.exemplars, sequences.labels
    )
    in_context = jax.nn.one_hot(sequences.labels, logits.shape[1]).sum(axis=1) > 0
    loss = optax.softmax_cross_entropy_with_integer_labels
    within = jnp.where(in_context, logits, MASKED)
    without = jnp.where(in_context, MASKED, logits)
    found = {"loss": loss(logits, sequences.target)}
    for name, some in {"": logits, "in_context_": within, "out_context_": without}.items():
        found[f"{name}acc"] = some.argmax(axis=1) == sequences.target
        found[f"{name}prob"] = jnp.exp(-loss(some, sequences.target))
    return found | {"use_context_prob": (jax.nn.softmax(logits) * in_context).sum(axis=1)}


# Data.


@partial(jax.jit, static_argnames="count")
def drawn(key: Array, source: BaselineSource, count: int) -> BaselineBatch:
    """Sequences of two classes, one of which is asked for, and a pair of labels, in any order."""
    return jax.vmap(_one, in_axes=(0, None))(jax.random.split(key, count), source)


def _one(key: Array, source: BaselineSource) -> BaselineBatch:
    keys = jax.random.split(key, 6)
    first, end = source.class_part
    asked = jax.random.randint(keys[0], (), 0, end - first)
    other = (asked + jax.random.randint(keys[1], (), 1, end - first)) % (end - first)
    pair = source.pairs[jax.random.randint(keys[2], (), *source.pair_part)]
    labels = _either_way(keys[3], pair)  # of the two classes
    places = _either_way(keys[4], jnp.arange(2))
    classes = first + jnp.append(jnp.stack([asked, other])[places], asked)
    exemplars = jax.random.randint(keys[5], (3,), *source.exemplar_part)
    return BaselineBatch(source.features[classes, exemplars], labels[places], labels[0])


def _either_way(key: Array, two: Array) -> Array:
    return jnp.where(jax.random.bernoulli(key), two, two[::-1])


@partial(jax.jit, static_argnames="count")
def next_batch(
    key: Array, source: BaselineSource, count: int = BATCH
) -> tuple[Array, BaselineBatch]:
    """The key to go on with, and the sequences of an update."""
    key, own = jax.random.split(key)
    return key, drawn(own, source, count)


def sources(task: Mapping[str, Any]) -> tuple[BaselineSource, dict[str, BaselineSource]]:
    """What training draws from, and each of the four sets of an evaluation."""
    features, known, held_out = task["features"], task["known"], task["held_out"]
    table, pairs = jnp.asarray(features), jnp.asarray(np.concatenate([known, held_out]))
    classes, exemplars = (0, int(task["classes"])), (0, int(task["exemplars"]))
    new_classes = (len(features) - int(task["new_classes"]), len(features))
    new_exemplars, new_pairs = (exemplars[1], features.shape[1]), (len(known), len(pairs))
    old_pairs = (0, len(known))

    def part(*ranges: tuple[int, int]) -> BaselineSource:
        return BaselineSource(table, pairs, *map(jnp.array, ranges))

    train = part(classes, exemplars, old_pairs)
    return train, {
        "fsl_train": train,
        "fsl_val_rl": part(classes, exemplars, new_pairs),
        "fsl_train_valex": part(classes, new_exemplars, old_pairs),
        "fsl_test_class": part(new_classes, exemplars, old_pairs),
    }


# The loop.


@dataclass
class Baseline:
    """A task, the sequences that it is evaluated on, and a folder for what runs write."""

    task: Mapping[str, Any]
    folder: Path

    def __post_init__(self) -> None:
        self.source, evaluators = sources(self.task)
        keys = jax.random.split(jax.random.PRNGKey(SEEDS["evaluate"]), len(evaluators))
        self.fixed = {
            name: drawn(key, source, EVALUATED)
            for key, (name, source) in zip(keys, evaluators.items(), strict=True)
        }

    def lap(self, sequences: int, every: int) -> dict[str, float]:
        """Trains a run from its first evaluation on; sequences, seconds, and CPU seconds."""
        with BaselineLog.open(self.folder / "log.h5") as log:
            trained = self._begun()
            self._report(log, trained, 0)
            begun, used = time.perf_counter(), time.process_time()
            total = self._trained(log, trained, sequences, every)
            seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        return {"sequences": total, "seconds": seconds, "cpu_seconds": cpu}

    def _begun(self) -> BaselineState:
        start = "initial/"
        weights = {
            name.removeprefix(start): jnp.array(self.task[name])
            for name in self.task
            if name.startswith(start)
        }
        return BaselineState(weights, ADAM.init(weights), jax.random.PRNGKey(SEEDS["train"]))

    def _trained(
        self, log: "BaselineLog", trained: BaselineState, sequences: int, every: int
    ) -> int:
        """Evaluates before the first update at or past each multiple of `every`, and at the end."""
        losses: list[Array] = []
        due, seen = every, 0
        while seen < sequences:
            if seen >= due:
                self._report(log, trained, seen, losses)
                due, losses = due + every, []
            key, batch = next_batch(trained.key, self.source)
            weights, adam, loss = updated(trained.weights, trained.adam, batch)
            trained, seen = BaselineState(weights, adam, key), seen + BATCH
            losses.append(loss)
        self._report(log, trained, seen, losses)
        return seen

    def _report(
        self, log: "BaselineLog", trained: BaselineState, seen: int, losses: Sequence[Array] = ()
    ) -> None:
        """An evaluation and a checkpoint; what is queued has been done by its end."""
        found = {name: evaluated(trained.weights, of) for name, of in self.fixed.items()}
        log.write(seen, found, losses)
        arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(trained)]
        np.savez(self.folder / f"{seen:011d}.npz", *arrays)


@dataclass
class BaselineLog:
    """An HDF5 file: `eval_iter`, `EVALUATOR/METRIC` [evaluation, sequence], `train_loss`."""

    file: Any  # h5py says no types

    @classmethod
    def open(cls, path: Path) -> "BaselineLog":
        """What an earlier run wrote there is overwritten."""
        return cls(h5py.File(path, "w"))

    def __enter__(self) -> "BaselineLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(
        self, seen: int, found: Mapping[str, Mapping[str, Array]], losses: Sequence[Array]
    ) -> None:
        """One evaluation, and the losses of the updates before it."""
        self._append("eval_iter", np.array([seen]))
        for evaluator, metrics in found.items():
            for metric, values in metrics.items():
                self._append(f"{evaluator}/{metric}", np.asarray(values, dtype=np.float32)[None])
        if losses:
            self._append("train_loss", np.asarray(jnp.stack(list(losses))))

    def _append(self, name: str, rows: "np.ndarray[Any, Any]") -> None:
        if name not in self.file:
            whole = (None, *rows.shape[1:])
            self.file.create_dataset(name, data=rows, maxshape=whole, chunks=True)
            return
        held = self.file[name]
        held.resize(len(held) + len(rows), axis=0)
        held[-len(rows) :] = rows


def main(task: str, folder: str) -> None:
    """Answers one line after the other, until there is none."""
    with np.load(task) as stored:
        baseline = Baseline(dict(stored), Path(folder))
    baseline.lap(3 * BATCH, BATCH)  # compiles
    _say({"device": str(jax.devices()[0]), "version": jax.__version__})
    for line in _lines():
        _say(baseline.lap(**line))


def _lines() -> Iterator[dict[str, int]]:
    for line in sys.stdin:
        yield json.loads(line)


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
