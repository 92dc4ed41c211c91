"""How things are said to people. Text forms stay 0-indexed (`L1H3`); sentences follow the paper.

The paper counts layers from 1 and heads from 0; this module is the only place that converts.
"""

import re
from collections.abc import Sequence
from decimal import Decimal


def layer_name(layer: int) -> str:
    """`0` -> `Layer 1`, as the paper writes it."""
    return f"Layer {layer + 1}"


def head_name(layer: int, head: int) -> str:
    """`(1, 3)` -> `Layer 2, head 3`."""
    return f"{layer_name(layer)}, head {head}"


_HEADS = re.compile(r"\bL(\d+)H(\d+(?:,\d+)*)")


def in_words(text: str) -> str:
    """`without L1H0,3` -> `without layer 2, heads 0 and 3`: names made of sites, for people."""
    return _HEADS.sub(lambda found: _heads_named(int(found[1]), found[2].split(",")), text)


def _heads_named(layer: int, heads: Sequence[str]) -> str:
    what = "heads" if len(heads) > 1 else "head"
    return f"{layer_name(layer).lower()}, {what} {enumerate_words(heads)}"


def enumerate_words(items: Sequence[str]) -> str:
    """`["a", "b", "c"]` -> `a, b and c`."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def either(items: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = items
    return f"{', '.join(first)} or {last}" if first else last


def grouped(number: float | None) -> str:
    """`1000000` -> `1,000,000`, `None` -> `–`."""
    return "–" if number is None else f"{number:,.0f}"


_SHORT = re.compile(r"([+-]?\d+(?:\.\d+)?)([kM])")
_FACTORS = {"k": 1_000, "M": 1_000_000}


def written_out(text: str) -> str:
    """`150k` and `1.5M`, as charts say them, and `300,000`: as a number is read; else as it was."""
    bare = re.sub(r"[\s,_\u2009]", "", text)
    short = _SHORT.fullmatch(bare)
    if short is None:
        return bare
    number = Decimal(short[1]) * _FACTORS[short[2]]
    return f"{number.normalize():f}"


def decimal(number: float) -> str:
    """`0.5`, `2`, `1e-5`: a number as people type it, and every digit of it."""
    return repr(number).removesuffix(".0").replace("e-0", "e-")
