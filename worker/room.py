"""Room on the disks that a worker writes to: looked at before they are full, not after."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.config import Settings

MB = 10**6
# What must be free besides for a run to be taken: one that was given back for want of room would
# else be taken again with the first file that somebody deletes, and given back after seconds.
BESIDES = 0.1


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a folder, in bytes."""

    folder: Path
    size: int
    free: int


def fullest_disk(settings: Settings) -> Disk:
    """The one with the least room of those that logs and checkpoints go to."""
    return min(map(_disk, _folders(settings)), key=lambda disk: disk.free)


def lack_of_room(settings: Settings, *, to_begin: bool = False) -> str:
    """A sentence if less is free than is to stay free; empty while there is room.

    `to_begin`: asked before runs are taken, which needs a tenth more than to go on.
    """
    disk = fullest_disk(settings)
    needed = settings.least_free_mb * MB * (1 + BESIDES if to_begin else 1)
    if disk.free >= needed:
        return ""
    return (
        f"The disk of {disk.folder} is nearly full: {disk.free // MB} MB are free and "
        f"{needed / MB:.0f} MB are needed; make room there."
    )


def _folders(settings: Settings) -> Iterator[Path]:
    yield settings.data_dir.resolve()
    parts = urlsplit(settings.checkpoint_url)
    if parts.scheme == "file":  # a store elsewhere has no disk of ours
        yield Path(unquote(parts.path))


def _disk(folder: Path) -> Disk:
    # It may not be there before its first file; what is above it is on the disk that it will be on.
    there = next(one for one in (folder, *folder.parents) if one.exists())
    usage = shutil.disk_usage(there)
    return Disk(folder, usage.total, usage.free)
