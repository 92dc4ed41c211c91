"""The kernels of a compiled function, in one C++ library.

torch's compiler writes C++ kernels, by default a file each, which it compiles one by one: half a
minute of g++ for an update, most of it for reading the same headers. All in one file take five
seconds. Each kernel is called with an array of 64-bit numbers, addresses and sizes, so that a
recorded call is data, which C++ can repeat (`capture`).
"""

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor
from torch._inductor import async_compile
from torch._inductor.async_compile import AsyncCompile
from torch._inductor.codecache import CppCodeCache

REPLAY = Path(__file__).with_name("replay.cpp")  # into every library: it is a few lines
_HEADER = "#include <torch/csrc/inductor/cpp_prefix.h>"
_SIGNATURE = re.compile(r'extern "C"\s+void\s+kernel\(')

Number = int | Tensor  # what kernels are given
Listener = Callable[["Kernel", Sequence[Number]], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tells of every call of a kernel, made by whatever compiled function."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Kernel:
    """One kernel, called as the compiler's own Python calls it: with tensors and integers."""

    def __init__(self, library: "Library", types: Sequence[str], source: str) -> None:
        self.library, self._types, self._source = library, types, source
        self.name = f"kernel_{len(library.kernels)}"

    def __call__(self, *arguments: Number) -> None:
        for listener in _listeners:
            listener(self, arguments)
        values = [part.data_ptr() if isinstance(part, Tensor) else part for part in arguments]
        self.library.function(self.name)((ctypes.c_int64 * len(values))(*values))

    def source(self) -> str:
        """The kernel, local to the file, and the function that takes it an array of numbers."""
        own = f"{self.name}_"
        body = _SIGNATURE.sub(f"static void {own}(", self._source.replace(_HEADER, ""))
        values = ", ".join(f"({kind}) a[{place}]" for place, kind in enumerate(self._types))
        return f'{body}\nextern "C" void {self.name}(const int64_t* a) {{ {own}({values}); }}\n'


class Library:
    """The kernels of one compiled function; compiled when the first of them is called."""

    def __init__(self) -> None:
        self.kernels: list[Kernel] = []
        self._loaded: Any = None

    def add(self, types: Sequence[str], source: str) -> Kernel:
        """A kernel of this library: its C++ parameters' types, and the compiler's source of it."""
        self.kernels.append(Kernel(self, types, source))
        return self.kernels[-1]

    def function(self, name: str) -> Callable[..., object]:
        """One of its functions. Raises what torch raises if the machine cannot compile."""
        if self._loaded is None:
            source = (_HEADER, *(kernel.source() for kernel in self.kernels), REPLAY.read_text())
            self._loaded = CppCodeCache.load("\n".join(source))
        function: Callable[..., object] = getattr(self._loaded, name)
        return function

    @property
    def path(self) -> Path:
        """Its file, once one of its functions was called."""
        return Path(self._loaded._name)


class TogetherCompile(AsyncCompile):
    """What the code that the compiler generates asks for its kernels: one for each function."""

    def __init__(self) -> None:
        super().__init__()
        self._library = Library()

    def cpp_pybinding(self, argtypes: Sequence[str], source_code: str) -> Kernel:
        """A kernel, which is not compiled yet."""
        return self._library.add(argtypes, source_code)


def compile_together() -> None:
    """From here on, has this process's compiler put the kernels of a function into one library."""
    # By this name the generated code imports it.
    vars(async_compile)["AsyncCompile"] = TogetherCompile
