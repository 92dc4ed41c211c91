"""What a compiled function does on a processor, recorded once and replayed from C++.

Half of an update's time would go into calling its kernels and products from Python, one by one. A
function that torch compiled is a fixed list of calls, as long as the sizes of its arguments stay:
kernels of its own, and matrix products. The list is data, which `replay.cpp` walks through as often
as it is told to. The same functions get the same numbers, so the results are the same bits.
docs/adr/0041.
"""

import ctypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from worker.science.machine.kernels import Kernel, Library, Number, Numbers, listening

P = ParamSpec("P")

_PRODUCTS = (torch.ops.aten.mm.out, torch.ops.aten.bmm.out)
_HERE = 0  # the place of what is no argument: its offset is the number itself


class NotReplayableError(Exception):
    """A function does something that cannot be repeated from outside of Python; says what."""


class Call(NamedTuple):
    """One call of a function of the library, by its name."""

    function: str
    given: tuple[Number, ...]


class _Recorder(TorchDispatchMode):
    """Notes what a compiled function calls, in order, while it does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has none for it
        self.calls: list[Call] = []
        self.libraries: set[Library] = set()

    @classmethod
    def is_infra_mode(cls) -> bool:
        """True, so that compiled functions run as such while this looks on."""
        return True

    def __torch_dispatch__(
        self,
        called: torch._ops.OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Every operation of torch's own: products are noted, and nothing else may be there."""
        kwargs = kwargs or {}
        result = called(*args, **kwargs)
        if called in _PRODUCTS:
            self.calls += _products(args[0], args[1], kwargs["out"])
        elif called is torch.ops.optoscope.wide_product.default:
            self.calls.append(_wide_product(args[0], args[1], result))
        elif not called.is_view:
            raise NotReplayableError(f"it calls {called}")
        return result

    def note(self, kernel: Kernel, arguments: Sequence[Number]) -> None:
        """A call of a kernel."""
        self.libraries.add(kernel.library)
        self.calls.append(Call(kernel.name, tuple(arguments)))


class Captured:
    """The calls that a function makes for arguments of certain sizes, wherever they lie.

    Its arguments and outputs are trees of tensors; here they are counted through, arguments first.
    """

    def __init__(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Calls the function, which must change nothing. Raises NotReplayableError."""
        # Copies, so that no two of them share a place: in a call to come they may not.
        own_args, own_kwargs = own = tree_map(_copied, (args, kwargs))
        with _Recorder() as recorder, listening(recorder.note):
            outputs = tree_leaves(function(*own_args, **own_kwargs))
        if len(recorder.libraries) != 1:
            raise NotReplayableError(f"it has {len(recorder.libraries)} libraries of kernels")
        self._library = recorder.libraries.pop()
        # Kept, for the calls go on using what lies between arguments and outputs.
        self._calls = recorder.calls
        self._table = self._listed(_Places([*tree_leaves(own), *outputs]))
        self._check(tree_leaves(own), outputs)

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
        where, after = _addresses(tensors), _addresses(next or tensors)
        steps = (ctypes.c_int64 * len(where))(*(b - a for a, b in zip(where, after, strict=True)))
        pairs = [1 + place for pair in swapped for place in pair]
        motion = _Motion(len(where), steps, len(swapped), (ctypes.c_int64 * len(pairs))(*pairs))
        self._library.function("replay")(
            ctypes.byref(self._table), ctypes.byref(motion), where, ctypes.c_int64(times)
        )

    def _listed(self, places: "_Places") -> "_Calls":
        """All calls, as `replay.cpp` reads them."""
        functions = [self._library.address(call.function) for call in self._calls]
        first, found = [0], list[tuple[int, int]]()
        for call in self._calls:
            found += map(places.of, call.given)
            first.append(len(found))
        return _Calls(
            len(functions),
            *(_array(part) for part in (functions, first, *zip(*found, strict=True))),
        )

    def _check(self, arguments: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
        """Whether a replay makes, elsewhere, what the function has made."""
        made = [torch.full_like(output, -1) for output in expected]
        self([*arguments, *made])
        # As bits: of what has diverged, no number equals itself.
        if not all(map(torch.equal, map(_bits, made), map(_bits, expected))):
            raise NotReplayableError("its replay gives other results")


@dataclass(frozen=True)
class _Span:
    """The memory of a tensor, in bytes."""

    first: int
    size: int

    @classmethod
    def of(cls, tensor: Tensor) -> "_Span":
        return cls(tensor.data_ptr(), _extent(tensor) * tensor.element_size())


class _Places:
    """Tells which argument or output an address lies in, and how far from its beginning."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._spans = [_Span.of(tensor) for tensor in tensors]

    def of(self, number: Number) -> tuple[int, int]:
        """Place and offset of what a call was given."""
        if not isinstance(number, Tensor):
            return _HERE, number
        address = number.data_ptr()
        for place, span in enumerate(self._spans, start=1):
            if span.first <= address < span.first + span.size:
                return place, address - span.first
        return _HERE, address


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


def _array(values: Sequence[int]) -> Numbers:
    return (ctypes.c_int64 * len(values))(*values)


def _addresses(tensors: Sequence[Tensor]) -> Numbers:
    return _array([0, *(tensor.data_ptr() for tensor in tensors)])


def _copied(tensor: Tensor) -> Tensor:
    """The same numbers in memory of their own, as far apart as they were."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).copy_(tensor)


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8)


def _extent(tensor: Tensor) -> int:
    """How many elements lie between a tensor's first and last."""
    if not tensor.numel():
        return 0
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * stride for size, stride in steps)


def _products(a: Tensor, b: Tensor, out: Tensor) -> list[Call]:
    """a @ b, one matrix after the other."""
    stacks = (part if part.ndim == 3 else part[None] for part in (a, b, out))
    return [_product(*matrices) for matrices in zip(*stacks, strict=True)]


def _product(a: Tensor, b: Tensor, out: Tensor) -> Call:
    """One product, with the numbers that `product` of `replay.cpp` takes."""
    (a_step, a_turned), (b_step, b_turned), (step, turned) = map(_laid_out, (a, b, out))
    if turned:
        raise NotReplayableError("it stores a product by columns")
    sizes = (*a.shape, b.shape[1])
    given = (_of_torch("sgemm_"), *sizes, a, b, out, a_step, b_step, step, a_turned, b_turned)
    return Call("product", given)


def _laid_out(matrix: Tensor) -> tuple[int, bool]:
    """How far apart its rows are, or its columns if these are what is stored; and which."""
    rows, columns = matrix.shape
    if matrix.stride(1) == 1 or columns == 1:
        return max(matrix.stride(0), columns), False
    if matrix.stride(0) == 1 or rows == 1:
        return max(matrix.stride(1), rows), True
    raise NotReplayableError("it multiplies a matrix with gaps")


def _wide_product(a: Tensor, b: Tensor, out: Tensor) -> Call:
    """One of `products.wide_product`, with the numbers that its likeness in C++ takes."""
    sizes = (*a.shape[-2:], b.shape[-1])
    return Call("wide_product", (*map(_of_torch, _ONEDNN), *sizes, a, b, out))


_ONEDNN = (
    "aoti_torch_create_tensor_from_blob",
    "aoti_torch_cpu__linear_pointwise",
    "aoti_torch_get_data_ptr",
    "aoti_torch_delete_tensor_object",
)


@cache
def _of_torch(name: str) -> int:
    """Where a function lies that torch's library for processors has, or the BLAS in it."""
    found = Path(torch.__file__).with_name("lib").glob("libtorch_cpu.*")
    function = next((getattr(ctypes.CDLL(str(path)), name, None) for path in found), None)
    if function is None:
        raise NotReplayableError(f"this build of torch has no {name}")
    return ctypes.cast(function, ctypes.c_void_p).value or 0
