"""Captured programs in files: what a machine has compiled once it only reads from then on.

A file is named by all that its results depend on: the function, its sizes, torch, the processor,
and the sources of the science and of configs. It holds the library, and a proof: what the program
made of made-up arguments. One that does not make the same here, bit for bit, is compiled anew.
docs/adr/0046.
"""

import hashlib
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from getpass import getuser
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from app import schemas
from worker.science.machine import processor
from worker.science.machine.replay import Captured, NotReplayableError, Recording, TensorForm

# The science, and what it knows of configs and clamps: all that it imports of ours.
_SOURCES = (Path(__file__).parents[1], Path(schemas.__file__ or "").parent)
_DIGEST = 32  # bytes at the beginning, by which a file that was cut off is known


class Sizes(NamedTuple):
    """What arguments are like, and which of them is the same tensor as an earlier one."""

    like: tuple[TensorForm, ...]
    same_as: tuple[int, ...]

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> "Sizes":
        first: dict[int, int] = {}
        same_as = tuple(first.setdefault(id(one), n) for n, one in enumerate(tensors))
        return cls(tuple(map(TensorForm.like, tensors)), same_as)


class ProgramFile(NamedTuple):
    """What a file holds. `proof`: a digest of what the program made of made-up arguments."""

    recording: Recording
    library: bytes
    proof: str


def keep(name: str, sizes: Sizes, program: Captured, library: Path) -> None:
    """Keeps a program. Where nothing can be written, it is compiled again next time."""
    with suppress(OSError):
        proof = _proof(program, sizes)
        what = ProgramFile(program.recording, library.read_bytes(), proof)
        write(path_of(name, sizes), what)


def kept(name: str, sizes: Sizes) -> Captured | None:
    """The program that was kept by this name for these sizes, if it does here what it did then."""
    path = path_of(name, sizes)
    try:
        found = read(path)
        program = loaded(found, path.parent)
    except (OSError, NotReplayableError):
        return None
    return program if _proof(program, sizes) == found.proof else None


def write(path: Path, what: ProgramFile) -> None:
    """As a whole or not at all: several trainers may be at it. Raises `OSError`."""
    data = pickle.dumps(what)
    with _file_in(path.parent) as beside:
        beside.write_bytes(hashlib.sha256(data).digest() + data)
        beside.replace(path)


def read(path: Path) -> ProgramFile:
    """Raises `OSError` if there is no such file, or one that was cut off."""
    data = path.read_bytes()
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        raise OSError(f"{path} is damaged")
    found: ProgramFile = pickle.loads(data[_DIGEST:])
    return found


def loaded(what: ProgramFile, folder: Path) -> Captured:
    """The program with its library, which can only be loaded from a file of its own: in `folder`,
    and gone at once. Raises `OSError`, `NotReplayableError`."""
    with _file_in(folder) as library:
        library.write_bytes(what.library)
        return Captured(what.recording, library)


def file_name(name: str, sizes: Sizes, machine: object) -> str:
    """By all that the program's results depend on; `machine`: what it is compiled for."""
    what = repr((name, sizes, torch.__version__, machine, _sources()))
    return f"{hashlib.sha256(what.encode()).hexdigest()[:40]}.program"


def path_of(name: str, sizes: Sizes) -> Path:
    """Where this machine keeps it."""
    machine = processor.processor(), processor.is_onednn_faster(), torch.get_num_threads()
    return compiled_folder() / file_name(name, sizes, machine)


def compiled_folder() -> Path:
    """Beside what torch's compiler keeps."""
    usual = Path(gettempdir()) / f"torchinductor_{getuser()}"
    return Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR", usual)) / "optoscope"


@contextmanager
def _file_in(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
        new = Path(file.name)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


@cache
def _sources() -> str:
    """A digest of whatever could make a program another one."""
    found = (path for folder in _SOURCES for path in sorted(folder.rglob("*")))
    sources = (path.read_bytes() for path in found if path.suffix in {".py", ".cpp"})
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _proof(program: Captured, sizes: Sizes) -> str:
    """A digest of what a program makes of made-up arguments."""
    made = [_made_up(like) for like in sizes.like]
    # Whatever the scratch memory held before, as it will be another's.
    program.fill(0xFF)
    outputs = tree_leaves(program.result([made[place] for place in sizes.same_as]))
    digest = hashlib.sha256()
    for output in outputs:
        digest.update(output.contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()


def _made_up(like: TensorForm) -> Tensor:
    """Small numbers, the same anywhere; zeros, which are always valid, for what chooses."""
    tensor = like.empty()
    if not like.dtype.is_floating_point:
        return tensor.zero_()
    numbers = (np.arange(tensor.numel()) % 251 - 125) / np.float64(512)
    return tensor.copy_(torch.from_numpy(numbers).view(like.shape))
