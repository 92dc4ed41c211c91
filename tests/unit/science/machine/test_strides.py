"""Strides found quickly are those that torch's compiler finds."""

import pytest
import sympy
from torch._inductor import sizevars
from torch.utils._sympy.functions import FloorDiv, ModularIndexing

from worker.science.machine import strides

x, y, z = sympy.symbols("x y z", integer=True, nonnegative=True)
simplify_index, general = strides._general  # torch's own, whoever has compiled here before


@pytest.mark.parametrize(
    "index",
    [
        x,
        sympy.Integer(7),
        64 * x + 5 * y + z + 3,
        512 * (x + 32 * y) + z,
        x * y + 2 * z,
        FloorDiv(x, 16) + 3 * y,
        ModularIndexing(x, 1, 32) + 512 * FloorDiv(x, 32),
        ModularIndexing(x, 4, 8) * 64 + y,
        64 * x + FloorDiv(y + 3, 5),
    ],
)
@pytest.mark.parametrize("length", [8, 16])
def test_they_are_those_that_torch_finds(index: sympy.Expr, length: int) -> None:
    for variable in (x, y, z):
        ours = strides.stride_at(strides.in_vector(index, variable, length), variable)
        theirs = general(simplify_index(index, variable, length), variable)
        assert sympy.simplify(ours - theirs) == 0
        assert ours.is_number == theirs.is_number
        if theirs.is_number:
            assert ours == theirs


def test_torch_still_asks_for_them_by_the_names_that_are_replaced() -> None:
    """If not, compiling takes as long as it did, and nobody would notice."""
    asked = sizevars.stride_at_vec_range.__wrapped__.__code__.co_names
    assert set(asked) == {"simplify_index_in_vec_range", "stride_at"}
