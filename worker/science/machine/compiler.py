"""torch.compile where there is a C++ compiler, eager execution where there is none.

Only what a machine lacks makes a run eager. What the tracer or the compiler itself refuses is a
mistake of ours, and ends the run: a fallback would hide it in a run that is ten times slower.
"""

import os
import shutil
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from worker.science.machine.capture import Captured

P = ParamSpec("P")
R = TypeVar("R")

NO_COMPILER = (
    "No C++ compiler was found, so this run is not compiled and trains ten times slower. "
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
        self._captured: dict[object, Captured | None] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._call(*args, **kwargs)

    @cached_property
    def _call(self) -> Callable[P, R]:
        if not self.is_compiled:
            return self.function
        # Loads torch's compiler, so not before something is compiled.
        from worker.science.machine.inductor import compiled

        return compiled(self.function, cxx() or "")

    def captured(self, *args: P.args, **kwargs: P.kwargs) -> "Captured | None":
        """The calls that it makes for arguments of these sizes, to be replayed; None, with a
        notice, if they cannot be."""
        key = tuple((part.shape, part.stride()) for part in tree_leaves((args, kwargs)))
        if key not in self._captured:
            self._captured[key] = self._capture(*args, **kwargs)
        return self._captured[key]

    def _capture(self, *args: P.args, **kwargs: P.kwargs) -> "Captured | None":
        from worker.science.machine.capture import Captured, NotReplayableError

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


def _is_the_machines(error: Exception) -> bool:
    from worker.science.machine.inductor import is_the_machines

    return is_the_machines(error)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
