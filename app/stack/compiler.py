"""Whether this machine can compile training programs."""

import os
import shutil
import sys


def compiler_warning() -> str | None:
    """A sentence if something is missing: training then runs uncompiled, which is slower."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(name) is not None:
        return None
    return (
        f"There is no C++ compiler ({name}): runs are trained without torch.compile, ten times "
        f"slower. To get it: {_remedy()}."
    )


def _remedy() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if shutil.which("apt-get"):
        return "apt-get install g++"
    if shutil.which("dnf"):
        return "dnf install gcc-c++"
    return "install g++"
