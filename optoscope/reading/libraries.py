"""Libraries that only some of the client needs: loaded when they are asked for, never before."""

import importlib
from typing import Any


def library(module: str, package: str = "") -> Any:
    """A module of an optional library, or `ImportError` with what to install."""
    package = package or module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # it is there, and lacks something of its own
        raise ImportError(
            f"This needs {package}: pip install {package} (or all that notebooks use: "
            "pip install 'optoscope[notebook]')."
        ) from None
