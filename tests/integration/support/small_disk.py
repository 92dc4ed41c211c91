"""A disk of a few megabytes, in memory, that tests fill; skipped where mounting is not allowed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MB = 10**6


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own on a new folder, until the block ends."""
    folder.mkdir()
    size = f"size={megabytes * MB}"
    mount = ["mount", "-t", "tmpfs", "-o", f"{size},mode=777", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:  # no fault of the machine: the suite asks for no root
        pytest.skip(f"a disk of its own takes the right to mount one: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: a trainer that is being killed may still have a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, megabytes: int) -> Path:
    """Takes that much room, at once, as another program would."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, megabytes * MB)
    return filler
