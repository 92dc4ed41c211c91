"""torch.compile where there is a C++ compiler, eager execution where there is none.

Only what a machine lacks makes a run eager. What the tracer or the compiler itself refuses is a
mistake of ours, and ends the run: a fallback would hide it in a run that is seven times slower.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import torch
from torch._inductor.exc import (
    CppCompileError,
    GPUTooOldForTriton,
    InductorError,
    InvalidCxxCompiler,
    TritonMissing,
)
from torch.utils._pytree import tree_leaves

from worker.science.machine.capture import Captured, NotReplayableError
from worker.science.machine.kernels import compile_together
from worker.science.machine.products import WideProducts, is_faster

P = ParamSpec("P")
R = TypeVar("R")

NO_COMPILER = (
    "No C++ compiler was found, so this run is not compiled and trains several times slower. "
    "Install one (on Debian or Ubuntu: apt install g++) or set CXX."
)


def cxx() -> str | None:
    """Path of the C++ compiler that inductor would use."""
    candidates = (os.environ.get("CXX"), "g++", "clang++", "c++")
    return next((found for name in candidates if name and (found := shutil.which(name))), None)


class Compiled(Generic[P, R]):
    """A pure function, compiled at its first call; eager, with a notice, where a machine cannot."""

    def __init__(self, function: Callable[P, R], *, enabled: bool) -> None:
        self.function = function
        self.notice = "" if cxx() or not enabled else NO_COMPILER
        self.is_compiled = enabled and not self.notice
        self._call: Callable[P, R] = function
        self._captured: dict[object, Captured | None] = {}
        if self.is_compiled:
            os.environ.setdefault("CXX", cxx() or "")
            # Each model shape and layout is a program of its own, and not one compiled too often.
            torch._dynamo.config.recompile_limit = 1024
            compile_together()
            self._call = torch.compile(function, fullgraph=True, dynamic=False, options=_options())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._call(*args, **kwargs)

    def captured(self, *args: P.args, **kwargs: P.kwargs) -> Captured | None:
        """The calls that it makes for arguments of these sizes, to be replayed; None, with a
        notice, if they cannot be."""
        key = tuple((part.shape, part.stride()) for part in tree_leaves((args, kwargs)))
        if key not in self._captured:
            self._captured[key] = self._capture(*args, **kwargs)
        return self._captured[key]

    def _capture(self, *args: P.args, **kwargs: P.kwargs) -> Captured | None:
        try:
            return Captured(self._call, *args, **kwargs)
        except NotReplayableError as error:
            self.notice = f"Updates are called one by one, which is slower, since {error}."
            return None

    def warm_up(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Compiles for these arguments. If the machine fails to twice, says why and stays eager."""
        for last in (False, True):  # a machine short of memory may fail to start g++ once
            try:
                self._call(*args, **kwargs)
                return
            except Exception as error:
                if not self.is_compiled or not _is_the_machines(error):
                    raise
                if last:
                    self._call, self.is_compiled = self.function, False
                    self.notice = f"Compiling failed, so training is slower: {_first_line(error)}"


def _options() -> dict[str, str | int | bool | Callable[..., Any]]:
    """What the compiler does besides what it does by itself."""
    # Nothing is left to compile side by side (`kernels`), so no processes are started for it.
    options: dict[str, Any] = {"compile_threads": 1}
    if is_faster():
        options["post_grad_custom_post_pass"] = WideProducts()
    return options


# A compiler that is broken, cannot be started, or has no memory or disk to work with.
_BROKEN = (
    CppCompileError,
    InvalidCxxCompiler,
    TritonMissing,
    GPUTooOldForTriton,
    subprocess.SubprocessError,
    OSError,
    MemoryError,
)


def _is_the_machines(error: Exception) -> bool:
    """Whether this machine's compiler failed, rather than the mathematics or the tracing of it."""
    inner = error.inner_exception if isinstance(error, InductorError) else error
    compiling = (
        InductorError | CppCompileError | InvalidCxxCompiler | TritonMissing | GPUTooOldForTriton
    )
    return isinstance(error, compiling) and isinstance(inner, _BROKEN)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
