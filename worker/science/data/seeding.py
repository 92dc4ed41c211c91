"""Named random streams. Each draw is a pure function of (seed, stream, block): nothing to save."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for; equal seeds in different streams give unrelated numbers."""

    LABEL_PAIRS = 1
    TRAINING = 2
    EVALUATION = 3
    NOISE = 4
    EXHAUSTIVE = 5


def generator(seed: int, stream: Stream, block: int = 0) -> np.random.Generator:
    """A counter-based generator for one block of one stream."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, stream, block))))
