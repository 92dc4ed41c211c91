"""Whether this machine can compile training programs."""

import os
import shutil
import sys
from pathlib import Path

PROGRAMS = Path(__file__).parents[2] / "worker" / "programs"  # in wheels: made by `make wheel`


def compiler_warning() -> str | None:
    """A sentence if something is missing: training then runs uncompiled, which is slower."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(name) is not None:
        return None
    came_along = any(PROGRAMS.glob("*.program"))
    slower = "runs are trained without torch.compile, ten times slower"
    if came_along:
        slower = "runs train ten times slower, but for those of the default shape"
    return f"There is no C++ compiler ({name}): {slower}. To get it: {_remedy()}."


def _remedy() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if shutil.which("apt-get"):
        return "apt-get install g++"
    if shutil.which("dnf"):
        return "dnf install gcc-c++"
    return "install g++"
