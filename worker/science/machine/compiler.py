"""torch.compile where there is a C++ compiler, eager execution where there is none.

Only what a machine lacks makes a run eager. What the tracer or the compiler itself refuses is a
mistake of ours, and ends the run: a fallback would hide it in a run that is ten times slower.
"""

import os
import shutil
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar, cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from worker.science.machine import program_files
from worker.science.machine.program_files import Sizes
from worker.science.machine.replay import Captured, NotReplayableError
from worker.science.machine.shipped import ship, shipped

P = ParamSpec("P")
R = TypeVar("R")

NO_COMPILER = (
    "No C++ compiler was found, so this run is not compiled and trains ten times slower. "
    "Install one (on Debian or Ubuntu: apt install g++) or set CXX."
)
CAME_ALONG = (
    "No C++ compiler works here, so this run trains by a program that came along, made for any "
    "processor: one that is compiled here may be faster, and differ in the last digits."
)


def cxx() -> str | None:
    """Path of the C++ compiler that inductor would use."""
    candidates = (os.environ.get("CXX"), "g++", "clang++", "c++")
    return next((found for name in candidates if name and (found := shutil.which(name))), None)


class Compiled(Generic[P, R]):
    """A pure function, compiled at its first call; eager, with a notice, where a machine cannot.

    `name`: says all that its mathematics depends on besides its arguments. On a processor, a
    function with a name is compiled once per machine and sizes, kept, and replayed.
    `any_size`: dimensions of arguments that one compiled program takes at any size.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        enabled: bool,
        name: str = "",
        any_size: Callable[P, list[tuple[Tensor, int]]] | None = None,
    ) -> None:
        self.function, self._enabled, self._name = function, enabled, name
        self._any_size = any_size
        self._can_compile = enabled and cxx() is not None
        self.notice = "" if self._can_compile or not enabled else NO_COMPILER
        self.is_compiled = self._can_compile
        self._captured: dict[Sizes, Captured | None] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        program = self.captured(*args, **kwargs) if self._is_replayed(*args, **kwargs) else None
        if program is None:
            return self._call(*args, **kwargs)
        return cast(R, program.result(tree_leaves((args, kwargs))))

    @cached_property
    def _call(self) -> Callable[P, R]:
        if not self._can_compile:
            return self.function
        # Loads torch's compiler, so not before something is compiled.
        from worker.science.machine.inductor import compiled

        return compiled(self.function, cxx() or "")

    def _is_replayed(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether calls are: elsewhere graphs do that, and what has no name is called once."""
        parts = tree_leaves((args, kwargs))
        return (
            self._enabled and bool(self._name) and all(part.device.type == "cpu" for part in parts)
        )

    def captured(self, *args: P.args, **kwargs: P.kwargs) -> Captured | None:
        """The calls that it makes for arguments of these sizes, to be replayed; None, with a
        notice, if they cannot be."""
        if not self._enabled:
            return None
        sizes = Sizes.of(tree_leaves((args, kwargs)))
        if sizes not in self._captured:
            found = self._kept(sizes) or self._capture(sizes, *args, **kwargs)
            self._captured[sizes] = found or self._shipped(sizes, *args, **kwargs)
        return self._captured[sizes]

    def is_at_hand(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether nothing is to be compiled for arguments of these sizes."""
        if not self._enabled:
            return True
        sizes = Sizes.of(tree_leaves((args, kwargs)))
        if sizes not in self._captured and (program := self._kept(sizes)):
            self._captured[sizes] = program
        return sizes in self._captured or not self.is_compiled

    def _kept(self, sizes: Sizes) -> Captured | None:
        """The program that an earlier process has compiled; it needs no compiler any more."""
        program = program_files.kept(self._name, sizes) if self._enabled and self._name else None
        if program is not None:
            self.notice, self.is_compiled = "", True
        return program

    def _shipped(self, sizes: Sizes, *args: P.args, **kwargs: P.kwargs) -> Captured | None:
        """The program that came along, where nothing can be compiled."""
        if self._can_compile or not self._name:
            return None
        expected = tree_leaves(self.function(*args, **kwargs))
        program = shipped(self._name, sizes, tree_leaves((args, kwargs)), expected)
        if program is not None:
            self.notice, self.is_compiled = CAME_ALONG, True
        return program

    def _capture(self, sizes: Sizes, *args: P.args, **kwargs: P.kwargs) -> Captured | None:
        self._compile(*args, **kwargs)
        if not self.is_compiled:
            return None
        from worker.science.machine.capture import captured

        try:
            program, library = captured(self._call, *args, **kwargs)
        except NotReplayableError as error:
            self.notice = f"Programs are called step by step, which is slower, since {error}."
            return None
        if self._name:
            program_files.keep(self._name, sizes, program, library.path)
        return program

    def ship(self, folder: Path) -> None:
        """Puts what was compiled into the folder of programs that come along. Raises `OSError`."""
        for sizes in self._captured:
            ship(self._name, sizes, folder)

    def warm_up(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Has it ready for these arguments. If the machine fails to compile twice, says why and
        stays eager."""
        if self._is_replayed(*args, **kwargs):
            self.captured(*args, **kwargs)
        else:
            self._compile(*args, **kwargs)

    def _compile(self, *args: P.args, **kwargs: P.kwargs) -> None:
        if self._enabled and not self._can_compile:
            # Also where programs of other sizes were kept, by who had a compiler.
            self.notice, self.is_compiled = self.notice or NO_COMPILER, False
        if self._can_compile and self._any_size:
            for tensor, dimension in self._any_size(*args, **kwargs):
                torch._dynamo.maybe_mark_dynamic(tensor, dimension)
        for last in (False, True):  # a machine short of memory may fail to start g++ once
            try:
                self._call(*args, **kwargs)
                return
            except Exception as error:
                if not self._can_compile or not _is_the_machines(error):
                    raise
                if last:
                    self._call, self._can_compile, self.is_compiled = self.function, False, False
                    self.notice = f"Compiling failed, so training is slower: {_first_line(error)}"


def _is_the_machines(error: Exception) -> bool:
    from worker.science.machine.inductor import is_the_machines

    return is_the_machines(error)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
