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
    named = visible_gpus()
    there = list(driver.glob("*")) if named is None else named
    return [f"cuda:{number}" for number in range(len(there))] if driver.exists() else []


def visible_gpus() -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names, in the order in which torch counts them; None: it is not
    set. What follows the first name that is none is hidden, so `-1` hides all."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        return None
    names = [name.strip() for name in told.split(",")]
    return list(takewhile(lambda name: name and not name.startswith("-"), names))
