"""Inputs of the offline tools: the golden files, and small ones of a test's own."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.science.support import golden
from worker.__main__ import main

HEADS, CLASSES = 2, 6


def run(command: str, **files: Any) -> int:
    """`python -m worker COMMAND` with options; None leaves one out."""
    given = {f"--{n.replace('_', '-')}": value for n, value in files.items() if value is not None}
    return main([command, *(str(part) for pair in given.items() for part in pair)])


def on_golden(command: str, out: Path, **more: Any) -> dict[str, np.ndarray]:
    """A command on the golden files, and what it wrote."""
    file, prefix = {"evaluate": ("forward", "trained"), "replay": ("train", "init")}[command]
    inputs = golden.FOLDER / f"{file}.npz"
    sequences = {"evaluate": "sequences", "replay": "batches"}[command]
    files = {
        "weights": inputs,
        "weights_prefix": f"params/{prefix}",
        "features": golden.FOLDER / "features.npy",
        sequences: inputs,
        "options": golden.FOLDER / f"{file}.json",
        "out": out,
    }
    assert run(command, **(files | more)) == 0
    return read(out)


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    """Of two layers of two heads, without biases: width 8, 4 features, 3 labels."""
    sizes = {
        "example_embed.weight": (8, 4),
        "example_embed.bias": (8,),
        "label_embed.weight": (8, 3),
        "final_norm.weight": (8,),
        "final_norm.bias": (8,),
        "unembed.weight": (3, 8),
        "unembed.bias": (3,),
    }
    for layer in range(2):
        sizes |= {
            f"blocks.{layer}.{name}": size
            for name, size in {
                "norm.weight": (8,),
                "norm.bias": (8,),
                "attn.qkv.weight": (24, 8),
                "attn.out.weight": (8, 8),
            }.items()
        }
    draw = np.random.default_rng(seed).standard_normal
    return {name: draw(size).astype("f4") for name, size in sizes.items()}


class Small:
    """A folder of small inputs, each of which can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out.npz"
        self.save("w.npz", **{f"init/{name}": array for name, array in weights().items()})
        np.save(folder / "f.npy", np.random.default_rng(1).standard_normal((CLASSES, 4)))
        self.sequences(count=10)
        self.options({"none": {}})

    def save(self, name: str, **arrays: Any) -> Path:
        np.savez(self.folder / name, **arrays)
        return self.folder / name

    def sequences(self, count: int, pairs: int = 2, updates: int = 0) -> None:
        """Random ones; with `updates`, so many batches of `count`."""
        random, total = np.random.default_rng(2), count * max(updates, 1)
        classes = np.array([random.permutation(CLASSES)[:pairs] for _ in range(total)])
        labels = np.array([random.permutation(3)[:pairs] for _ in range(total)])
        asked = random.integers(0, pairs, (total, 1))
        whole = [np.concatenate([a, np.take_along_axis(a, asked, 1)], 1) for a in (classes, labels)]
        if updates:
            whole = [array.reshape(updates, count, pairs + 1) for array in whole]
        self.save("b.npz", class_idx=whole[0], labels=whole[1])

    def options(self, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / "o.json").write_text(text)

    def run(self, command: str, **more: Any) -> int:
        files = {
            "weights": self.folder / "w.npz",
            "weights_prefix": "init",
            "features": self.folder / "f.npy",
            {"evaluate": "sequences", "replay": "batches"}[command]: self.folder / "b.npz",
            "options": self.folder / "o.json",
            "heads": HEADS,
            "out": self.out,
        }
        return run(command, **(files | more))

    def result(self, command: str, content: Any, **more: Any) -> dict[str, np.ndarray]:
        self.options(content)
        assert self.run(command, **more) == 0
        return read(self.out)
