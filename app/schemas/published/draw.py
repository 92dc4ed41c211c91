"""Which label pairs the published code holds out: its random permutation, in integers.

That code permutes all pairs with JAX (`jax.random.permutation`, JAX 0.4, the default generator of
that time) and keeps the first ones from training. To hold out the same pairs here, the generator,
Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"),
is written out for the few numbers that it takes.
"""

from itertools import combinations
from math import ceil, log

Key = tuple[int, int]
Pair = tuple[int, int]

WORD = 0xFFFFFFFF
_PARITY = 0x1BD11BDA
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_SORTS_PER_WORD = 3  # JAX sorts by random words until ties cannot matter


def held_out_pairs(labels: int, seed: int, count: int) -> tuple[Pair, ...]:
    """The first `count` of all label pairs in the published code's order, sorted."""
    pairs = list(combinations(range(labels), 2))
    chosen = permutation(seed, len(pairs))[:count]
    return tuple(sorted(pairs[index] for index in chosen))


def permutation(seed: int, size: int) -> list[int]:
    """`jax.random.permutation(PRNGKey(seed), size)`, for seeds of 32 bits."""
    order, key = list(range(size)), (0, seed & WORD)
    for _ in range(ceil(_SORTS_PER_WORD * log(max(size, 1)) / log(WORD))):
        key, words_key = _split(key)
        words = _words(words_key, size)
        order = [order[index] for index in sorted(range(size), key=words.__getitem__)]
    return order


def _split(key: Key) -> tuple[Key, Key]:
    a, b, c, d = _words(key, 4)
    return (a, b), (c, d)


def _words(key: Key, count: int) -> list[int]:
    """`count` random words: the counters 0, 1, ... enciphered, the first half with the second."""
    half = (count + 1) // 2
    counters = [*range(count), *([0] if count % 2 else [])]
    blocks = [_threefry(key, pair) for pair in zip(counters[:half], counters[half:], strict=True)]
    return [first for first, _ in blocks] + [second for _, second in blocks][: count - half]


def _threefry(key: Key, block: Key) -> Key:
    keys = (*key, key[0] ^ key[1] ^ _PARITY)
    x, y = (block[0] + keys[0]) & WORD, (block[1] + keys[1]) & WORD
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            x = (x + y) & WORD
            y = ((y << turn | y >> (32 - turn)) & WORD) ^ x
        x = (x + keys[(group + 1) % 3]) & WORD
        y = (y + keys[(group + 2) % 3] + group + 1) & WORD
    return x, y
