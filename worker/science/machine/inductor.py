"""torch's compiler, as this program uses it. It takes a second to load: for who compiles only."""

import os
import subprocess
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch._inductor.exc import (
    CppCompileError,
    GPUTooOldForTriton,
    InductorError,
    InvalidCxxCompiler,
    TritonMissing,
)

from worker.science.machine import processor
from worker.science.machine.kernels import compile_together
from worker.science.machine.products import WideProducts
from worker.science.machine.strides import find_strides_quickly

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R], compiler: str) -> Callable[P, R]:
    """The function, to be compiled with that C++ compiler when it is first called."""
    os.environ.setdefault("CXX", compiler)
    # Each model shape and layout is a program of its own, and not one compiled too often.
    torch._dynamo.config.recompile_limit = 1024
    compile_together()
    find_strides_quickly()
    return torch.compile(function, fullgraph=True, dynamic=False, options=_options())


def _options() -> dict[str, str | int | bool | Callable[..., Any]]:
    """What the compiler does besides what it does by itself."""
    # Nothing is left to compile side by side (`kernels`), so no processes are started for it.
    options: dict[str, Any] = {"compile_threads": 1}
    if not processor.has_tiles():
        # By itself it compiles and loads a file for every vector width that the processor has, in
        # processes of their own: seven seconds at first, one and a half at every start. Any
        # compiler of the last ten years knows them all but the tiles of some processors.
        options["cpp.vec_isa_ok"] = True
    if processor.is_onednn_faster():
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


def is_the_machines(error: Exception) -> bool:
    """Whether this machine's compiler failed, rather than the mathematics or the tracing of it."""
    inner = error.inner_exception if isinstance(error, InductorError) else error
    compiling = (
        InductorError | CppCompileError | InvalidCxxCompiler | TritonMissing | GPUTooOldForTriton
    )
    return isinstance(error, compiling) and isinstance(inner, _BROKEN)
