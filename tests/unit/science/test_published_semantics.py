"""`python -m worker evaluate` computes what the published code computes, option by option and in
combination, on models and sequences that no golden number was made for."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from app.schemas.config import TrainingConfig
from app.schemas.published.options import PublishedOptions, exact_program
from tests.unit.science.support import published
from worker.__main__ import main
from worker.offline.options import config_of
from worker.offline.weights import shape_of
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import ProgramData, compile_program
from worker.science.model import Batch, cross_entropy

CLASSES, SEQUENCES = 12, 3
# layers, heads, width, features, labels, context pairs, attention biases
MODELS = {
    "two layers": (2, 4, 16, 12, 5, 2, False),
    "two layers with biases, three pairs": (2, 2, 12, 20, 7, 3, True),
    "three layers, three pairs": (3, 4, 24, 9, 6, 3, False),
}


def weights_of(model: tuple, seed: int) -> dict[str, np.ndarray]:
    """Random, and far enough from small that heads attend to something."""
    layers, _, width, features, labels, _, has_bias = model
    sizes = {
        "example_embed.weight": (width, features),
        "example_embed.bias": (width,),
        "label_embed.weight": (width, labels),
        "final_norm.weight": (width,),
        "final_norm.bias": (width,),
        "unembed.weight": (labels, width),
        "unembed.bias": (labels,),
    }
    for layer in range(layers):
        block = f"blocks.{layer}."
        sizes |= {block + "norm.weight": (width,), block + "norm.bias": (width,)}
        sizes |= {block + "attn.qkv.weight": (3 * width, width)}
        sizes |= {block + "attn.out.weight": (width, width)}
        if has_bias:
            sizes |= {block + "attn.qkv.bias": (3 * width,), block + "attn.out.bias": (width,)}
    draw = np.random.default_rng(seed).standard_normal
    return {
        name: (draw(size) * 1.5 / np.sqrt(size[-1]) + ("norm.weight" in name)).astype("f4")
        for name, size in sizes.items()
    }


def sequences_of(model: tuple, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, class_idx and labels; each context has different classes and labels."""
    *_, features, labels, pairs, _ = model
    random = np.random.default_rng(seed)
    classes = np.array([random.permutation(CLASSES)[:pairs] for _ in range(SEQUENCES)])
    given = np.array([random.permutation(labels)[:pairs] for _ in range(SEQUENCES)])
    asked = random.integers(0, pairs, (SEQUENCES, 1))
    classes, given = (
        np.concatenate([context, np.take_along_axis(context, asked, 1)], 1)
        for context in (classes, given)
    )
    return random.standard_normal((CLASSES, features)).astype("f4"), classes, given


def options_of(model: tuple) -> dict[str, dict]:
    """Every option alone, the cases of precedence, and combinations drawn at random."""
    layers, heads, *_ = model
    last = layers - 1
    every = [f"{last}:{head}" for head in range(heads)]
    chosen: dict[str, dict] = {
        "nothing": {},
        "ablate": {"ablate_heads": ["0:1", f"{last}:0"]},
        "embedding": {"ablate_embedding": True},
        "previous": {"prev_token_heads": ["0:0", f"{last}:1"], "prev_token_head_strength": 0.3},
        "previous, labels": {"prev_token_heads": ["0:1"], "prev_token_only_label": True},
        "induction": {"induction_heads": [f"{last}:1"], "induction_head_strength": 0.8},
        "match": {"match_heads": [f"{last}:1"]},
        "soft match": {"match_heads": [f"{last}:1", "0:0"], "match_head_temperature": 0.2},
        "temperature": {"set_head_temperature": [f"{last}:0:0.3", f"{last}:1:4"]},
        "copy": {"perfect_copy_from_head_pattern": f"{last}:1"},
        "first copy": {"perfect_copy_from_head_pattern": "0:1"},
        "disallow": {"disallow_prev_token_heads": ["0:0", f"{last}:1"]},
        "disallow, labels": {
            "disallow_prev_token_heads": ["0:1"],
            "disallow_prev_token_only_label": True,
        },
        "silence": {"final_layer_silence_non_label_attn": [0, heads - 1]},
        # Precedence: what is written later, or further downstream, wins.
        "ablation over preserved values": {"preserve_values": True, "ablate_heads": ["0:0", "0:1"]},
        "pattern over preserved ones": {
            "preserve_patterns": True,
            "ablate_heads": ["0:0"],
            "prev_token_heads": [f"{last}:0"],
        },
        "match over induction over previous": {
            "prev_token_heads": [f"{last}:0"],
            "match_heads": [f"{last}:0", f"{last}:1"],
            "induction_heads": [f"{last}:1"],
        },
        "preserved patterns over scores": {
            "preserve_patterns": True,
            "ablate_heads": ["0:0"],
            "set_head_temperature": [f"{last}:0:0.5"],
            "disallow_prev_token_heads": [f"{last}:1"],
            "final_layer_silence_non_label_attn": [1],
        },
        "disallowed and silenced over temperature": {
            "ablate_heads": ["0:0"],
            "set_head_temperature": [f"{last}:0:0.5"],
            "disallow_prev_token_heads": [f"{last}:0", f"{last}:1"],
            "final_layer_silence_non_label_attn": [0, 1],
        },
        "temperature over queries and keys": {
            "preserve_queries": True,
            "ablate_embedding": True,
            "set_head_temperature": [f"{last}:1:2"],
        },
        "queries and keys": {
            "preserve_queries": True,
            "preserve_keys": True,
            "ablate_heads": ["0:1"],
        },
        # Where one option covers whole rows, the values of another show in all of them.
        "previous, labels, in preserved patterns": {
            "preserve_patterns": True,
            "prev_token_heads": ["0:0", f"{last}:1"],
            "prev_token_only_label": True,
        },
        "disallow, labels, in temperatures": {
            "set_head_temperature": ["0:0:0.5"],
            "disallow_prev_token_heads": ["0:1", f"{last}:1"],
            "disallow_prev_token_only_label": True,
        },
        "copy over all": {
            "perfect_copy_from_head_pattern": f"{last}:0",
            "ablate_embedding": True,
            "set_head_temperature": [f"{last}:0:0.2"],
            "induction_heads": [f"{last}:0"],
        },
        "preserve alone": {"preserve_values": True, "induction_head_strength": 0.2},
        "standard": {"specific_fn": "standard", "ablate_heads": every[1:]},
    }
    if layers == 2:
        perfect = {"specific_fn": "perfect_prev_token_input"}
        chosen |= {
            "perfect": perfect,
            "perfect, one head": perfect | {"ablate_heads": every[1:]},
            "perfect and copy": perfect | {"perfect_copy_from_head_pattern": "1:1"},
            "perfect ignores": perfect
            | {
                "ablate_heads": ["1:0"],
                "perfect_copy_from_head_pattern": "1:0",
                "induction_heads": ["1:0"],
                "preserve_values": True,
            },
            "perfect, ignoring without copy": perfect
            | {"ablate_embedding": True, "induction_heads": ["1:0"], "ablate_heads": ["1:1"]},
        }
    return chosen | {f"random {seed}": random_options(model, seed) for seed in range(10)}


def random_options(model: tuple, seed: int) -> dict:
    """Several options at once. Heads that the published code refuses beside those of a
    previous-token pattern come from elsewhere."""
    layers, heads, *_ = model
    random = np.random.default_rng([seed, layers])
    every = [f"{layer}:{head}" for layer in range(layers) for head in range(heads)]
    previous, rest = np.split(random.permutation(every), [len(every) // 2])

    def some(names: np.ndarray | list[str]) -> list[str]:
        return [str(name) for name in random.choice(names, 2, replace=False)]

    layer = random.integers(layers)
    possible = {
        "ablate_heads": some(every),
        "ablate_embedding": True,
        "preserve_patterns": True,
        "preserve_values": True,
        "preserve_queries": True,
        "preserve_keys": True,
        "set_head_temperature": [f"{layer}:0:{random.uniform(0.2, 3):.2f}", f"{layer}:1:0.7"],
        "prev_token_heads": some(previous),
        "induction_heads": some(rest),
        "match_heads": some(every),
        "disallow_prev_token_heads": some(rest),
        "final_layer_silence_non_label_attn": [int(random.integers(heads))],
    }
    if random.random() < 0.15:
        possible["perfect_copy_from_head_pattern"] = some(every)[0]
    options = {name: value for name, value in possible.items() if random.random() < 0.35}
    return options | {
        "prev_token_head_strength": 0.6,
        "prev_token_only_label": bool(random.random() < 0.5),
        "induction_head_strength": 0.9,
        "match_head_temperature": 0.3,
        "disallow_prev_token_only_label": bool(random.random() < 0.5),
    }


@pytest.mark.parametrize("name", MODELS)
def test_every_combination_of_options_equals_the_plain_transcription(
    name: str, tmp_path: Path
) -> None:
    model = MODELS[name]
    weights, (features, class_idx, labels) = weights_of(model, 3), sequences_of(model, 4)
    np.savez(tmp_path / "w.npz", **{f"some/{n}": array for n, array in weights.items()})
    np.savez(tmp_path / "b.npz", class_idx=class_idx, labels=labels)
    np.save(tmp_path / "f.npy", features)
    options = options_of(model)
    (tmp_path / "o.json").write_text(json.dumps(options))

    files = {"weights": "w.npz", "features": "f.npy", "sequences": "b.npz", "options": "o.json"}
    given = [part for option, file in files.items() for part in (f"--{option}", tmp_path / file)]
    given += ["--weights-prefix", "some", "--heads", model[1], "--out", tmp_path / "out.npz"]
    assert main(["evaluate", *map(str, given)]) == 0

    plain = published.Model({n: w.astype(float) for n, w in weights.items()}, *model[:2])
    with np.load(tmp_path / "out.npz") as out:
        for which, one in options.items():
            for index in range(SEQUENCES):
                x, y = features[class_idx[index]].astype(float), labels[index]
                patterns, logits = published.manipulated(plain, one, x, y)
                said = f"{which} {one}, sequence {index}"
                np.testing.assert_allclose(
                    out[f"{which}/attn"][index], patterns, atol=1e-5, rtol=0, err_msg=said
                )
                np.testing.assert_allclose(
                    out[f"{which}/logits"][index], logits, atol=1e-4, rtol=0, err_msg=said
                )


def our_loss(passes: Passes, data: ProgramData, batch: Batch, parameters: dict) -> torch.Tensor:
    logits = passes(parameters, data.tensors, batch, torch.zeros(1)).logits
    return cross_entropy(logits, batch.target).mean()


@pytest.mark.parametrize("name", MODELS)
def test_gradients_flow_as_in_the_plain_transcription(name: str) -> None:
    """Derivatives along random directions, of which there are as many as differences of losses."""
    torch.set_num_threads(1)  # as training does
    model = MODELS[name]
    weights, (features, class_idx, labels) = weights_of(model, 5), sequences_of(model, 6)
    start = {n: torch.from_numpy(w).double() for n, w in weights.items()}
    shape = shape_of(start, model[5], model[1], "rotary", "here")
    plain = config_of(shape, TrainingConfig())
    columns = (torch.from_numpy(array).T.contiguous() for array in (class_idx, labels))
    row, given = columns
    batch = Batch(torch.from_numpy(features).double(), row, given[:-1], given[-1])
    random = np.random.default_rng(7)
    for which, options in options_of(model).items():
        program = exact_program(PublishedOptions.model_validate(options), layers=shape.model.layers)
        data = compile_program(plain.model_copy(update={"program": program}))
        passes = Passes(shape, data.layout)

        gradient = torch.func.grad(partial(our_loss, passes, data, batch))(start)
        along = {n: random.standard_normal(w.shape) for n, w in weights.items()}
        ours = sum((gradient[n].numpy() * along[n]).sum() for n in along)
        step = 1e-5

        def plain_loss(
            by: float, along: dict[str, np.ndarray] = along, options: dict = options
        ) -> float:
            moved = {n: w.astype(float) + by * along[n] for n, w in weights.items()}
            other = published.Model(moved, *model[:2])
            losses = []
            for classes, y in zip(class_idx, labels, strict=True):
                _, logits = published.manipulated(other, options, features[classes], y)
                raised = logits - logits.max()
                losses.append(np.log(np.exp(raised).sum()) - raised[y[-1]])
            return float(np.mean(losses))

        theirs = (plain_loss(step) - plain_loss(-step)) / (2 * step)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=which)
