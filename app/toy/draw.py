"""The vectors of the published code's toy model, for any seed, without JAX.

Its random numbers are Threefry-2x32 with twenty rounds (Salmon et al. 2011), counted as JAX did
before its generator became partitionable: the counts 0 .. n - 1 in two halves, beside each other.
"""

from collections.abc import Sequence
from statistics import NormalDist
from struct import pack, unpack

Key = tuple[int, int]

_WORD = 0xFFFFFFFF
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_LEAST: float = unpack("<f", pack("<I", 0xBF7FFFFF))[0]  # the float after -1
_NORMAL = NormalDist()


def vectors(seed: int, dimension: int, count: int = 6) -> list[list[float]]:
    """Standard normal vectors: `jax.random.normal` of each of the keys that `PRNGKey(seed)` splits
    into. To the precision of single floats, 1e-6."""
    return [_normal(key, dimension) for key in _split((seed >> 32 & _WORD, seed & _WORD), count)]


def _split(key: Key, count: int) -> list[Key]:
    bits = _bits(key, 2 * count)
    return list(zip(bits[::2], bits[1::2], strict=True))


def _normal(key: Key, count: int) -> list[float]:
    # JAX takes sqrt(2) erfinv(u) of u between -1 and 1: the quantile at (u + 1) / 2.
    return [_NORMAL.inv_cdf((_uniform(bits) + 1) / 2) for bits in _bits(key, count)]


def _uniform(bits: int) -> float:
    """Between -1 and 1, of the upper 23 bits: those behind the point of a float from 1 to 2."""
    share = (bits >> 9) / 2**23
    return max(_single(_single(share * _single(1 - _LEAST)) + _LEAST), _LEAST)


def _single(number: float) -> float:
    """Rounded to 32 bits."""
    rounded: float = unpack("<f", pack("<f", number))[0]
    return rounded


def _bits(key: Key, count: int) -> list[int]:
    half = (count + 1) // 2
    counts = [*range(count), *[0] * (2 * half - count)]
    pairs = [_threefry(key, pair) for pair in zip(counts[:half], counts[half:], strict=True)]
    return [first for first, _ in pairs] + [second for _, second in pairs][: count - half]


def _threefry(key: Key, counts: Sequence[int]) -> tuple[int, int]:
    keys = (*key, key[0] ^ key[1] ^ _PARITY)
    x, y = (counts[0] + keys[0]) & _WORD, (counts[1] + keys[1]) & _WORD
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x = (x + y) & _WORD
            y = ((y << rotation | y >> 32 - rotation) & _WORD) ^ x
        x = (x + keys[(group + 1) % 3]) & _WORD
        y = (y + keys[(group + 2) % 3] + group + 1) & _WORD
    return x, y
