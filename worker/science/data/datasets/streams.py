"""A generator per class, so that a class does not depend on how many others are asked for."""

import numpy as np

GLYPHS, GAUSSIAN, GAUSSIAN_COMMON, ENCODER = 1, 2, 3, 4  # every use of chance has its own streams


def class_generator(use: int, seed: int, index: int) -> np.random.Generator:
    """Counter-based, keyed by use, seed (32 bits) and class."""
    key = np.array([(use << 32) | seed, index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
