"""Whether this machine can compile training programs."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def compiler_warning() -> str | None:
    """A sentence if something is missing: training then runs uncompiled, which is slower."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which(name) is None:
        missing = f"There is no C++ compiler ({name})"
    elif not headers.exists():
        missing = f"The headers of Python ({headers}) are missing"
    else:
        return None
    return (
        f"{missing}: runs are trained without torch.compile, several times slower. To get "
        f"it: {_remedy()}."
    )


def _remedy() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if sys.platform == "darwin":
        return "xcode-select --install"
    if shutil.which("apt-get"):
        return f"apt-get install g++ python{version}-dev"
    if shutil.which("dnf"):
        return f"dnf install gcc-c++ python{version}-devel"
    return f"install g++ and the development files of Python {version}"
