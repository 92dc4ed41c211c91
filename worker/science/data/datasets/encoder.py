"""A fixed random convolutional encoder: drawings in, 512 features out. Nothing to download.

The weights never change, whatever the seed of the dataset. Features are not centred: like those
of a trained network they are positive and share a large common part. It is this common part
(cosine between classes about 0.7) that gives the loss its long plateau.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from worker.science.data.datasets.streams import ENCODER, class_generator

DIM = 512  # 128 channels in each quarter of the image
_CHANNELS = (1, 24, 48, 128)
_SIDES = (5, 3, 3)  # of the kernels
_THRESHOLD = 0.2  # of the last layer: the higher, the sparser and the less alike; 0.2 gives 0.7
_GRID = 4096  # features are multiples of 1 / _GRID
_CHUNK = 512  # images encoded at a time, to bound memory


def encode(thumbnails: Tensor) -> Tensor:
    """Features `[..., 512]`, unit mean square, of drawings `[..., 28, 28]`, dark on white.

    Computed in float64 and rounded to a grid far coarser than float64's errors, so that they are
    the same for every machine, number of threads and number of drawings.
    """
    images = thumbnails.reshape(-1, 1, *thumbnails.shape[-2:])
    kernels = tuple(_kernels())
    features = torch.cat([_encode(chunk, kernels) for chunk in torch.split(images, _CHUNK)])
    return features.reshape(*thumbnails.shape[:-2], DIM)


def _encode(images: Tensor, kernels: tuple[Tensor, ...]) -> Tensor:
    """`[image, 512]` of `[image, 1, 28, 28]`: three strided layers, the last one thresholded."""
    x = 1 - images.double() / 255
    for kernel in kernels:
        x = functional.conv2d(x.relu(), kernel, stride=2, padding=kernel.shape[-1] // 2)
    x = x / x.std((1, 2, 3), keepdim=True).clamp(min=1e-9)
    x = functional.adaptive_avg_pool2d((x - _THRESHOLD).relu(), 2).flatten(1)
    x = x / x.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-9)
    return (x * _GRID).round().div(_GRID).float()


def _kernels() -> Iterator[Tensor]:
    """The weights of each layer, `[output, input, side, side]`, normal, of unit gain."""
    for layer, side in enumerate(_SIDES):
        inputs, outputs = _CHANNELS[layer : layer + 2]
        weights = class_generator(ENCODER, 0, layer).normal(size=(outputs, inputs, side, side))
        yield torch.from_numpy(weights / math.sqrt(inputs * side * side))
