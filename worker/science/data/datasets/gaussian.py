"""Random vectors in place of images: the plainest source, with the same conventions of scale.

An exemplar is a part common to all, one of its class and one of its own, in the shares below.
Without the common part there would be no plateau: it is what the classes' cosine of 0.7 is.
"""

import numpy as np
import torch

from worker.science.data.datasets.base import Dataset
from worker.science.data.datasets.streams import GAUSSIAN, GAUSSIAN_COMMON, class_generator

DIM = 512
# Shares of the mean square. As glyphs have it: cosine 0.7 between classes, more (0.88) within one.
COMMON, CLASS, NOISE = 0.7, 0.18, 0.12


def load_gaussian(classes: int, exemplars: int, seed: int) -> Dataset:
    """The first `classes` classes of a seed, `exemplars` of each, unit mean square."""
    common = class_generator(GAUSSIAN_COMMON, seed, 0).normal(size=DIM)
    features = np.empty((classes, exemplars, DIM))
    for index in range(classes):
        draws = class_generator(GAUSSIAN, seed, index).normal(size=(1 + exemplars, DIM))
        features[index] = np.sqrt(CLASS) * draws[0] + np.sqrt(NOISE) * draws[1:]
    features += np.sqrt(COMMON) * common
    features /= np.sqrt(np.square(features).mean(-1, keepdims=True))
    names = tuple(f"class {index}" for index in range(classes))
    return Dataset(torch.from_numpy(features.astype(np.float32)), names)
