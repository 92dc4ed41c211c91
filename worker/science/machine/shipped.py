"""Programs that came with the wheel, for machines without a compiler.

They are compiled for any processor of the last ten years (`worker.ship`), for this build of torch
and these sources. A processor may multiply in another order than the one that they were tried on,
so each is compared with the uncompiled function before it is used, to rounding.
"""

import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from worker.science.machine import program_files
from worker.science.machine.program_files import ProgramFile, Sizes
from worker.science.machine.replay import Captured, NotReplayableError

FOLDER = Path(__file__).parents[2] / "programs"
BUILD = "x86-64-v3"  # with AVX2 and FMA: Intel since 2013, AMD since 2015
_CLOSE = 1e-4  # in an update from rounding alone, which Adam enlarges


def ship(name: str, sizes: Sizes, folder: Path) -> None:
    """Puts a program that was kept into the folder of those that come along. Raises `OSError`."""
    recording, library, _ = program_files.read(program_files.path_of(name, sizes))
    path = folder / _file_name(name, sizes)
    program_files.write(path, ProgramFile(recording, library, ""))
    path.chmod(0o644)  # whoever installs it is not who runs it


def shipped(
    name: str, sizes: Sizes, arguments: Sequence[Tensor], expected: Sequence[Tensor]
) -> Captured | None:
    """The program of this name, if it makes here of these arguments what is expected."""
    if not _can_run():
        return None
    try:
        found = program_files.read(FOLDER / _file_name(name, sizes))
        program = program_files.loaded(found, program_files.compiled_folder())
    except (OSError, NotReplayableError):
        return None
    made = tree_leaves(program.result(arguments))
    agrees = (
        torch.allclose(ours, theirs, rtol=_CLOSE, atol=_CLOSE)
        for ours, theirs in zip(made, expected, strict=True)
    )
    return program if all(agrees) else None


def _can_run() -> bool:
    known = platform.system(), platform.machine(), torch.backends.cpu.get_cpu_capability()
    return known in {("Linux", "x86_64", "AVX2"), ("Linux", "x86_64", "AVX512")}


def _file_name(name: str, sizes: Sizes) -> str:
    return program_files.file_name(name, sizes, (BUILD, torch.get_num_threads()))
