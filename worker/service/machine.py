"""The machine that a worker is on, without loading torch."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from app.stack.gpus import visible_gpus

_CONTAINER = Path("/sys/fs/cgroup")
TOOL_SECONDS = 5  # that the driver's tool may take
_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory() -> int:
    """Bytes of memory."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE


def memory_for(device: str) -> int:
    """Free bytes where a trainer keeps its runs: the GPU's, where it will train on one."""
    found = [] if device == "cpu" else _gpu_memory(device)
    return found[0] if found else memory_free()


def _gpu_memory(device: str) -> list[int]:
    """Free bytes of a GPU, if torch can use one and the driver's tool tells."""
    tool = shutil.which("nvidia-smi")
    if tool is None or torch_version().endswith("+cpu"):
        return []
    number = _physical(int(device.partition(":")[2] or "0"))
    query = ("--query-gpu=memory.free", "--format=csv,noheader,nounits", f"--id={number}")
    try:
        told = subprocess.run(
            [tool, *query], capture_output=True, text=True, check=False, timeout=TOOL_SECONDS
        ).stdout
    except subprocess.TimeoutExpired:
        return []
    return [1024**2 * int(line) for line in told.split() if line.isdecimal()]


def _physical(number: int) -> str:
    """How the driver's tool calls the GPU that torch counts as this one."""
    named = visible_gpus() or []
    return named[number] if number < len(named) else str(number)


def memory_free() -> int:
    """Bytes that could be had now, in a container too; where nothing tells, all there are."""
    told = _lines("/proc/meminfo", "MemAvailable")
    free = 1024 * int(told[0].split()[0]) if told else memory()
    try:
        # Two looks at different moments; what is planned with is a share of the difference.
        limit, used = ((_CONTAINER / name).read_text() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return min(free, int(limit) - int(used)) if limit.strip().isdecimal() else free


def device() -> str:
    """The processor, and graphics processors where their driver tells of them."""
    names = _lines("/proc/cpuinfo", "model name")[:1] or [platform.processor() or "processor"]
    for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        names += _lines(str(information), "Model")
    return ", ".join(names)


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def torch_version() -> str:
    """Which torch trainers use, such as `2.13.0+cpu`."""
    return version("torch")


def _lines(path: str, name: str) -> list[str]:
    """What a file of `name: value` lines says under a name; nothing where there is no such file."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return []
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for key, _, value in pairs if key.strip() == name]
