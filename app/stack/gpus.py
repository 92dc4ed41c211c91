"""The graphics processors that workers can train on, without loading torch."""

import os
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")  # the driver has a folder there for each


def gpus(driver: Path = DRIVER) -> list[str]:
    """`cuda:0`, `cuda:1` ...; none where torch is a build for processors alone."""
    try:
        if version("torch").endswith("+cpu"):
            return []
    except PackageNotFoundError:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = list(driver.glob("*")) if visible is None else _named(visible)
    return [f"cuda:{number}" for number in range(len(there))] if driver.exists() else []


def _named(visible: str) -> list[str]:
    """What CUDA_VISIBLE_DEVICES names, up to the first that is none: `-1` hides all."""
    names = [name.strip() for name in visible.split(",")]
    return list(takewhile(lambda name: name and not name.startswith("-"), names))
