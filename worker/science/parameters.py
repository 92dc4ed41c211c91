"""The parameters of a model: their names, shapes, initial values, and their flat form.

Training keeps one flat vector per run, so that Adam is a single pass over memory and a cohort is
one matrix. The forward pass sees a dict of views into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor

from app.schemas.config import ModelConfig

Parameters = Mapping[str, Tensor]

# A standard normal cut at two deviations has this deviation; LeCun-normal init divides by it.
TRUNCATED_DEVIATION = 0.87962566103423978


@dataclass(frozen=True)
class Shape:
    """What decides the parameters: the model, the size of its inputs and of its vocabulary."""

    model: ModelConfig
    features: int
    labels: int
    context_pairs: int
    # Name -> shape of every parameter, in the order of the flat form.
    sizes: dict[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Here, and not when first read: a resumed run first reads it inside the traced function,
        # where a `cached_property` takes a lock (Python 3.11), which the tracer refuses.
        object.__setattr__(self, "sizes", self._sizes())

    @property
    def tokens(self) -> int:
        return 2 * self.context_pairs + 1

    @property
    def mlp_width(self) -> int:
        return round(self.model.mlp_ratio * self.model.width)

    def _sizes(self) -> dict[str, tuple[int, ...]]:
        width = self.model.width
        sizes = {
            "example_embed.weight": (width, self.features),
            "example_embed.bias": (width,),
            "label_embed.weight": (width, self.labels),
        }
        if self.model.positions == "learned":
            sizes["position_embed.weight"] = (width, self.tokens)
        for layer in range(self.model.layers):
            sizes |= self._block_sizes(f"blocks.{layer}")
        sizes |= {"final_norm.weight": (width,), "final_norm.bias": (width,)}
        return sizes | {"unembed.weight": (self.labels, width), "unembed.bias": (self.labels,)}

    def _block_sizes(self, block: str) -> dict[str, tuple[int, ...]]:
        width, hidden = self.model.width, self.mlp_width
        sizes: dict[str, tuple[int, ...]] = {
            f"{block}.norm.weight": (width,),
            f"{block}.norm.bias": (width,),
            f"{block}.attn.qkv.weight": (3 * width, width),
            f"{block}.attn.out.weight": (width, width),
        }
        if self.model.attn_bias:
            sizes |= {f"{block}.attn.qkv.bias": (3 * width,), f"{block}.attn.out.bias": (width,)}
        if hidden:
            sizes |= {
                f"{block}.mlp_norm.weight": (width,),
                f"{block}.mlp_norm.bias": (width,),
                f"{block}.mlp.in.weight": (hidden, width),
                f"{block}.mlp.in.bias": (hidden,),
                f"{block}.mlp.out.weight": (width, hidden),
                f"{block}.mlp.out.bias": (width,),
            }
        return sizes

    @property
    def count(self) -> int:
        """Number of parameters: 67,141 with the paper's settings, 66,629 without biases."""
        return sum(prod(size) for size in self.sizes.values())

    def unflatten(self, flat: Tensor) -> dict[str, Tensor]:
        """Views `[count]` -> name -> parameter. `split` because its gradient is one `cat`."""
        parts = flat.split([prod(size) for size in self.sizes.values()])
        return {
            name: part.view(size)
            for (name, size), part in zip(self.sizes.items(), parts, strict=True)
        }

    def flatten(self, parameters: Parameters) -> Tensor:
        """The flat form of named parameters. Raises ValueError naming what is missing or odd."""
        if missing := self.sizes.keys() - parameters.keys():
            raise ValueError(f"weights lack {', '.join(sorted(missing))}")
        if extra := parameters.keys() - self.sizes.keys():
            raise ValueError(f"the model has no {', '.join(sorted(extra))}")
        for name, size in self.sizes.items():
            if tuple(parameters[name].shape) != size:
                shape = list(parameters[name].shape)
                raise ValueError(f"{name} has shape {shape}, the model needs {list(size)}")
        return torch.cat([parameters[name].reshape(-1).float() for name in self.sizes])


def initial_parameters(shape: Shape, seed: int) -> dict[str, Tensor]:
    """Initial values, a pure function of the seed.

    LeCun-normal weights (truncated at two deviations, variance 1 / inputs), biases 0, norms 1 and
    0, label and learned position embeddings 0.02 times a truncated normal. Every parameter draws
    from a stream of its own, keyed by its name's position. Source: paper section 1, "Init".
    """
    streams = np.random.SeedSequence(seed).spawn(len(shape.sizes))
    return {
        name: _initial(name, size, np.random.Generator(np.random.Philox(stream)))
        for (name, size), stream in zip(shape.sizes.items(), streams, strict=True)
    }


def _initial(name: str, size: tuple[int, ...], generator: np.random.Generator) -> Tensor:
    if "norm." in name:
        return torch.full(size, 1.0 if name.endswith("weight") else 0.0)
    if name.endswith(".bias"):
        return torch.zeros(size)
    normal = torch.from_numpy(_truncated_normal(size, generator))
    if name in ("label_embed.weight", "position_embed.weight"):
        return (0.02 * normal).float()
    return (normal / (TRUNCATED_DEVIATION * sqrt(size[1]))).float()


def _truncated_normal(size: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Standard normal values between -2 and 2: what falls outside is drawn again."""
    values = generator.standard_normal(size)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values
