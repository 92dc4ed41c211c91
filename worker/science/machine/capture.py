"""Records what a compiled function calls on a processor, so that it can be replayed (`replay`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from worker.science.machine.kernels import Kernel, Library, Number, listening
from worker.science.machine.replay import (
    ALIGNED,
    Address,
    Call,
    Captured,
    Given,
    NotReplayableError,
    Recording,
    TensorForm,
)

P = ParamSpec("P")
Tree = TypeVar("Tree")

_PRODUCTS = (torch.ops.aten.mm.out, torch.ops.aten.bmm.out)


class _Seen(NamedTuple):
    """A call as it is made: with tensors."""

    function: str
    given: tuple[Number | str, ...]

    @property
    def tensors(self) -> Iterator[Tensor]:
        return (part for part in self.given if isinstance(part, Tensor))


class _Recorder(TorchDispatchMode):
    """Notes what a compiled function calls, in order, while it does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has none for it
        # With their tensors, so that none of these gets the place of another that is gone.
        self.calls: list[_Seen] = []
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
        self.calls.append(_Seen(kernel.name, tuple(arguments)))

    @property
    def library(self) -> Library:
        """That of all kernels."""
        if len(self.libraries) != 1:
            raise NotReplayableError(f"it has {len(self.libraries)} libraries of kernels")
        return next(iter(self.libraries))


def captured(
    function: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> tuple[Captured, Library]:
    """Calls a compiled function, which must change nothing. Raises NotReplayableError."""
    # Copies, so that no two of them share a place: in a call to come they may not.
    own_args, own_kwargs = own = _copied((args, kwargs))
    with _Recorder() as recorder, listening(recorder.note):
        returned = function(*own_args, **own_kwargs)
    outputs, structure = tree_flatten(returned)
    arguments, library = tree_leaves(own), recorder.library
    places = _Places(arguments, outputs, recorder.calls)
    recording = Recording(
        tuple(Call(call.function, tuple(map(places.of, call.given))) for call in recorder.calls),
        tuple(map(TensorForm.like, outputs)),
        tree_unflatten(range(len(outputs)), structure),
        places.scratch,
    )
    made = Captured(recording, library.path)
    _check(made, arguments, outputs)
    return made, library


def _check(made: Captured, arguments: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Whether a replay makes, elsewhere, what the function has made."""
    # Whatever the scratch memory held before: a number that nobody has put there must not count.
    made.fill(0xFF)
    ours = tree_leaves(made.result(arguments))
    # As bits: of what has diverged, no number equals itself.
    if not all(map(torch.equal, map(_bits, ours), map(_bits, expected))):
        raise NotReplayableError("its replay gives other results")


@dataclass
class _Between:
    """Memory that is neither an argument's nor an output's: when it is used, and where it goes."""

    first: int  # call
    last: int
    size: int
    offset: int = 0

    def overlaps(self, other: "_Between") -> bool:
        return self.first <= other.last and other.first <= self.last

    @property
    def end(self) -> int:
        return self.offset + self.size


class _Places:
    """Tells which argument or output an address lies in, or where in the scratch memory."""

    def __init__(
        self, arguments: Sequence[Tensor], outputs: Sequence[Tensor], calls: Sequence[_Seen]
    ) -> None:
        self._spans = [*map(_span, arguments), *map(_span, outputs)]
        for output in outputs:
            if _span(output) != _storage(output):
                raise NotReplayableError("it returns a part of something")
        self._between = self._found(calls)
        for placed, one in enumerate(between := list(self._between.values())):
            one.offset = _room(one, between[:placed])
        self.scratch = max((one.end for one in between), default=0)

    def of(self, given: Number | str) -> Given:
        """What a call is given, wherever arguments lie."""
        if not isinstance(given, Tensor):
            return given
        address = given.data_ptr()
        if (place := self._place(address)) is not None:
            return Address(place, address - self._spans[place].start)
        storage = _storage(given)
        return Address(len(self._spans), self._between[storage].offset + address - storage.start)

    def _place(self, address: int) -> int | None:
        return next((n for n, span in enumerate(self._spans) if address in span), None)

    def _found(self, calls: Sequence[_Seen]) -> dict[range, _Between]:
        """All memory in between, by where it lay."""
        found: dict[range, _Between] = {}
        for number, call in enumerate(calls):
            for tensor in call.tensors:
                if self._place(tensor.data_ptr()) is None:
                    storage = _storage(tensor)
                    size = -(-len(storage) // ALIGNED) * ALIGNED
                    found.setdefault(storage, _Between(number, number, size)).last = number
        return found


def _room(wanted: _Between, placed: Sequence[_Between]) -> int:
    """The lowest offset at which nothing lies that is used at the same time."""
    offset = 0
    for other in sorted(filter(wanted.overlaps, placed), key=lambda one: one.offset):
        if offset + wanted.size <= other.offset:
            break
        offset = max(offset, other.end)
    return offset


def _storage(tensor: Tensor) -> range:
    storage = tensor.untyped_storage()
    return range(storage.data_ptr(), storage.data_ptr() + storage.nbytes())


def _span(tensor: Tensor) -> range:
    """The memory between a tensor's first and last element, in bytes."""
    first = tensor.data_ptr()
    return range(first, first + _extent(tensor) * tensor.element_size())


def _copied(tree: Tree) -> Tree:
    """The same numbers in memory of their own, laid out as they were; what was one stays one."""
    copies: dict[int, Tensor] = {}

    def copied(tensor: Tensor) -> Tensor:
        return copies.setdefault(id(tensor), TensorForm.like(tensor).empty().copy_(tensor))

    return cast(Tree, tree_map(copied, tree))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8)


def _extent(tensor: Tensor) -> int:
    """How many elements lie between a tensor's first and last."""
    if not tensor.numel():
        return 0
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * stride for size, stride in steps)


def _products(a: Tensor, b: Tensor, out: Tensor) -> list[_Seen]:
    """a @ b, one matrix after the other."""
    stacks = (part if part.ndim == 3 else part[None] for part in (a, b, out))
    return [_product(*matrices) for matrices in zip(*stacks, strict=True)]


def _product(a: Tensor, b: Tensor, out: Tensor) -> _Seen:
    """One product, with the numbers that `product` of `replay.cpp` takes."""
    (a_step, a_turned), (b_step, b_turned), (step, turned) = map(_laid_out, (a, b, out))
    if turned:
        raise NotReplayableError("it stores a product by columns")
    sizes = (*a.shape, b.shape[1])
    return _Seen("product", ("sgemm_", *sizes, a, b, out, a_step, b_step, step, a_turned, b_turned))


def _laid_out(matrix: Tensor) -> tuple[int, bool]:
    """How far apart its rows are, or its columns if these are what is stored; and which."""
    rows, columns = matrix.shape
    if matrix.stride(1) == 1 or columns == 1:
        return max(matrix.stride(0), columns), False
    if matrix.stride(0) == 1 or rows == 1:
        return max(matrix.stride(1), rows), True
    raise NotReplayableError("it multiplies a matrix with gaps")


def _wide_product(a: Tensor, b: Tensor, out: Tensor) -> _Seen:
    """One of `products.wide_product`, with the numbers that its likeness in C++ takes."""
    sizes = (*a.shape[-2:], b.shape[-1])
    return _Seen("wide_product", (*_ONEDNN, *sizes, a, b, out))


_ONEDNN = (
    "aoti_torch_create_tensor_from_blob",
    "aoti_torch_cpu__linear_pointwise",
    "aoti_torch_get_data_ptr",
    "aoti_torch_delete_tensor_object",
)
