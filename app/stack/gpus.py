"""The graphics processors that workers can train on, without loading torch."""

import os
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")  # the driver has a folder there for each
NODES = Path("/dev")  # ... and a file `nvidia0`, `nvidia1` ... here


def gpus(driver: Path = DRIVER, nodes: Path = NODES) -> list[str]:
    """`cuda:0`, `cuda:1` ...; none where torch is a build for processors alone."""
    try:
        if version("torch").endswith("+cpu"):
            return []
    except PackageNotFoundError:
        return []
    named = visible_gpus()
    there = _count(driver, nodes) if named is None else len(named)
    return [f"cuda:{number}" for number in range(there)] if driver.exists() else []


def _count(driver: Path, nodes: Path) -> int:
    """How many the machine has; of those, a container is given the device files of its own."""
    given = [node for node in nodes.glob("nvidia*") if node.name.removeprefix("nvidia").isdecimal()]
    # Without any the driver has not made them yet: it does when they are first used.
    there = len(list(driver.glob("*")))
    return min(there, len(given)) if given else there


def visible_gpus() -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names, in the order in which torch counts them; None: it is not
    set. What follows the first name that is none is hidden, so `-1` hides all."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        return None
    names = [name.strip() for name in told.split(",")]
    return list(takewhile(lambda name: name and not name.startswith("-"), names))
