"""What is known of the processor: what programs are compiled for, and what it is good at."""

import platform
from functools import cache
from pathlib import Path

import torch

CPU_INFORMATION = Path("/proc/cpuinfo")
_OF_INTEREST = ("vendor_id", "model name", "flags", "Features", "CPU part")  # x86, and arm


@cache
def processor() -> str:
    """What programs are compiled for: machines that say the same can run each other's."""
    said = {line.partition(":")[0].strip(): line for line in _information().splitlines()}
    known = (said.get(name, "") for name in _OF_INTEREST)
    system = platform.system(), platform.machine(), *platform.libc_ver()
    return "\n".join((*system, torch.backends.cpu.get_cpu_capability(), *known))


def is_onednn_faster() -> bool:
    """Whether this processor has the vectors that only oneDNN uses whatever its maker.

    Told by the maker and not by a clock: what is chosen is in the last bits of every measurement,
    which a resumed run must repeat.
    """
    # MKL uses all of the width of Intel's: 93 to 153 GFLOP/s, where oneDNN makes 51 to 62. What is
    # not Linux has no such vectors, as far as we know.
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
        and torch.backends.mkldnn.is_available()
        and "GenuineIntel" not in _information()
        and bool(_information())
    )


def has_tiles() -> bool:
    """Whether it multiplies by tiles (AMX), as far as can be told."""
    return "amx_tile" in _information() or not _information()


def _information() -> str:
    try:
        return CPU_INFORMATION.read_text()
    except OSError:  # not Linux
        return ""
