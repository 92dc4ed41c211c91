"""Weights in `.npz` and `.safetensors` files, and the shape of the model that they belong to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from app.schemas.config import ModelConfig
from worker.config_errors import places_of
from worker.offline.arrays import Arrays, read_arrays
from worker.science.parameters import Shape

Weights = Mapping[str, Tensor]
Positions = Literal["rotary", "learned", "sinusoidal"]

MARK = "example_embed.weight"  # every model has it, so that it shows where weights are
BIAS = "blocks.0.attn.qkv.bias"  # every model with attention biases has it


def read_weights(path: Path, prefix: str) -> dict[str, Tensor]:
    """Weights by name from the arrays of a file whose names start with `prefix/`."""
    arrays = read_arrays(path)
    start = f"{prefix.rstrip('/')}/" if prefix else ""
    if f"{start}{MARK}" not in arrays:
        raise ValueError(f"{path}: lacks the array {start}{MARK}; {_elsewhere(arrays)}")
    return {
        name.removeprefix(start): _weight(array, f"{path}: {name}")
        for name, array in arrays.items()
        if name.startswith(start)
    }


def _elsewhere(arrays: Arrays) -> str:
    """Where in a file there are weights."""
    prefixes = sorted(n.removesuffix(MARK).rstrip("/") for n in arrays if n.endswith(MARK))
    if not prefixes:
        return "there are no weights in it"
    return "it has weights at the prefix " + " or ".join(one or "''" for one in prefixes)


def _weight(array: np.ndarray, where: str) -> Tensor:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{where} must be numbers, not {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{where} must be finite, {(~np.isfinite(array)).sum()} values are not")
    return torch.from_numpy(np.array(array, dtype=np.float32))


def has_attention_biases(weights: Weights) -> bool:
    """Whether queries, keys, values and what attention writes have biases."""
    return BIAS in weights


def sizes_of(weights: Weights, where: str) -> tuple[int, int]:
    """Dimensions of the features that a model takes, and how many labels it knows."""
    return _columns(weights, MARK, where), _columns(weights, "label_embed.weight", where)


def _columns(weights: Weights, name: str, where: str) -> int:
    if name not in weights or weights[name].ndim != 2:
        raise ValueError(f"{where}: {name} must be there, with two axes")
    return weights[name].shape[1]


def shape_of(weights: Weights, pairs: int, heads: int, positions: Positions, where: str) -> Shape:
    """The shape of the weights' model. Heads cannot be read from weights, and of positions only
    that they are learned; `where` says whose weights these are."""
    features, labels = sizes_of(weights, where)
    told = {"heads": heads, "positions": positions} | model_of(weights, where)
    try:
        model = ModelConfig.model_validate(told)
    except ValidationError as error:
        raise ValueError(f"{where}, with {heads} heads: {places_of(error)}") from None
    shape = Shape(model, features, labels, pairs)
    check_fit(shape, weights, where)
    return shape


def model_of(weights: Weights, where: str) -> dict[str, Any]:
    """The options of the model that its weights tell."""
    _columns(weights, MARK, where)
    width = len(weights[MARK])
    layers = {name.split(".")[1] for name in weights if name.startswith("blocks.")}
    hidden = len(weights.get("blocks.0.mlp.in.bias", ()))
    told = {
        "layers": len(layers),
        "width": width,
        "mlp_ratio": hidden / width,
        "attn_bias": has_attention_biases(weights),
    }
    return told | ({"positions": "learned"} if "position_embed.weight" in weights else {})


def check_fit(shape: Shape, weights: Weights, where: str) -> None:
    """Raises ValueError, naming the array, if these are not weights of a model of this shape."""
    try:
        shape.flatten(weights)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
