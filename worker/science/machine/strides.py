"""Strides of a compiled function's memory accesses, found without a general simplifier.

To choose how it vectorises a loop, torch's compiler asks by how much an address moves when a loop
variable does, and has sympy simplify each answer from scratch: a third of the time that it takes.
Nearly all of these addresses are sums of products, of which differences are simple as they are.
"""

from functools import lru_cache

import sympy
from torch._inductor import sizevars

_POLYNOMIAL = (sympy.Symbol, sympy.Integer, sympy.Add, sympy.Mul)
_general = sizevars.simplify_index_in_vec_range, sizevars.stride_at


def find_strides_quickly() -> None:
    """From here on, has this process's compiler do so; what it generates stays the same."""
    vars(sizevars).update(simplify_index_in_vec_range=in_vector, stride_at=stride_at)


@lru_cache
def in_vector(index: sympy.Expr, variable: sympy.Symbol, length: int) -> sympy.Expr:
    """An address, as far as it matters within a vector of that length."""
    simplify, _ = _general
    return index if _is_polynomial(index) else simplify(index, variable, length)


@lru_cache
def stride_at(index: sympy.Expr, variable: sympy.Symbol) -> sympy.Expr:
    """By how much an address grows when a variable grows by one."""
    _, general = _general
    if not _is_polynomial(index):
        return general(index, variable)
    return sympy.expand(index.xreplace({variable: variable + 1}) - index)


def _is_polynomial(index: sympy.Expr) -> bool:
    """Whether it has neither quotients nor remainders nor choices in it."""
    return all(isinstance(part, _POLYNOMIAL) for part in sympy.preorder_traversal(index))
