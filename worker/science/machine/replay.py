"""What a compiled function does on a processor, as data, and its replay from C++.

Half of an update's time would go into calling its kernels and products from Python, one by one. A
function that torch compiled is a fixed list of calls, as long as the sizes of its arguments stay:
kernels of its own, and matrix products. The list is data, which `replay.cpp` walks through as often
as it is told to. The same functions get the same numbers, so the results are the same bits.
docs/adr/0041. It needs no compiler, nor torch's, which takes longer to load than torch: `capture`
makes such lists, `program_files` keeps them.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

_HERE = 0  # the place of what is no argument: its offset is the number itself
ALIGNED = 64  # bytes: as torch allocates, since products may add up in another order elsewhere


class NotReplayableError(Exception):
    """A function does something that cannot be repeated from outside of Python; says what."""


class Address(NamedTuple):
    """Somewhere in an argument, an output, or the scratch memory, which are counted through in
    this order; in bytes from its beginning."""

    place: int
    offset: int


Given = int | str | Address  # a number, a function of torch's by its name, or memory


class Call(NamedTuple):
    """One call of a function of the library, by its name."""

    function: str
    given: tuple[Given, ...]


class TensorForm(NamedTuple):
    """What a tensor that is returned is like."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def like(cls, tensor: Tensor) -> "TensorForm":
        return cls(tuple(tensor.shape), tensor.stride(), tensor.dtype)

    def empty(self) -> Tensor:
        """Memory for it."""
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype)


@dataclass(frozen=True)
class Recording:
    """The calls that a function makes for arguments of certain sizes, wherever they lie."""

    calls: tuple[Call, ...]
    outputs: tuple[TensorForm, ...]
    returned: object  # the tree that is returned, with places among the outputs for tensors
    scratch: int  # bytes that the calls use in between


class Captured:
    """A recording with its library: makes the calls. Not by two threads at once.

    Arguments and outputs of a function are trees of tensors; here they are counted through,
    arguments first.
    """

    def __init__(self, recording: Recording, library: Path) -> None:
        """Raises `OSError` if the library cannot be loaded, `NotReplayableError` if this build of
        torch lacks a function."""
        self.recording, self._library = recording, ctypes.CDLL(str(library))
        self._scratch = torch.empty(recording.scratch, dtype=torch.uint8)
        self._table = self._listed()

    def __call__(
        self,
        tensors: Sequence[Tensor],
        *,
        times: int = 1,
        next: Sequence[Tensor] | None = None,
        swapped: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Makes all calls, so many times, for these arguments and outputs, without the interpreter
        in between. `next`: where they lie the second time, as far from the first as every time from
        the one before; `swapped`: pairs that change places after each time."""
        where, after = self._addresses(tensors), self._addresses(next or tensors)
        steps = _array([b - a for a, b in zip(where, after, strict=True)])
        pairs = _array([1 + place for pair in swapped for place in pair])
        motion = _Motion(len(where), steps, len(swapped), pairs)
        self._library.replay(
            ctypes.byref(self._table), ctypes.byref(motion), where, ctypes.c_int64(times)
        )

    def result(self, arguments: Sequence[Tensor]) -> object:
        """What the function returns for these."""
        made = [output.empty() for output in self.recording.outputs]
        self([*arguments, *made])
        return tree_map(made.__getitem__, self.recording.returned)

    def fill(self, byte: int) -> None:
        """Fills the scratch memory, of which nothing is expected to stay from call to call."""
        self._scratch.fill_(byte)

    def _addresses(self, tensors: Sequence[Tensor]) -> "Numbers":
        return _array([0, *(tensor.data_ptr() for tensor in (*tensors, self._scratch))])

    def _listed(self) -> "_Calls":
        """All calls, as `replay.cpp` reads them."""
        functions = [_address(self._library, call.function) for call in self.recording.calls]
        first, found = [0], list[Address]()
        for call in self.recording.calls:
            found += map(_placed, call.given)
            first.append(len(found))
        return _Calls(
            len(functions),
            *(_array(part) for part in (functions, first, *zip(*found, strict=True))),
        )


class _Calls(ctypes.Structure):
    _fields_ = [
        ("calls", ctypes.c_int64),
        *(
            (name, ctypes.POINTER(ctypes.c_int64))
            for name in ("functions", "first", "place", "offset")
        ),
    ]


class _Motion(ctypes.Structure):
    _fields_ = [
        ("places", ctypes.c_int64),
        ("step", ctypes.POINTER(ctypes.c_int64)),
        ("swaps", ctypes.c_int64),
        ("swapped", ctypes.POINTER(ctypes.c_int64)),
    ]


Numbers = ctypes.Array[ctypes.c_int64]


def _array(values: Sequence[int]) -> Numbers:
    return (ctypes.c_int64 * len(values))(*values)


def _placed(given: Given) -> Address:
    if isinstance(given, Address):
        return Address(given.place + 1, given.offset)  # after `_HERE`
    return Address(_HERE, _of_torch(given) if isinstance(given, str) else given)


@cache
def _of_torch(name: str) -> int:
    """Where a function lies that torch's library for processors has, or the BLAS in it."""
    for path in Path(torch.__file__).with_name("lib").glob("libtorch_cpu.*"):
        library = ctypes.CDLL(str(path))
        if hasattr(library, name):
            return _address(library, name)
    raise NotReplayableError(f"this build of torch has no {name}")


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
