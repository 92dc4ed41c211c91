"""Data files of runs: looked at before anything is trained from them, and known by their contents.

The look is a process of its own (`python -m worker.look`): this one has no numpy, and whatever is
in the file harms neither server nor worker. Its answer is kept as long as the file is as it was.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session

from app.db.models import Run
from app.errors import Invalid
from app.schemas.config import RunConfig
from app.schemas.datasets import FILE
from app.services.nearby import all_are_here

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # below a lease, which nobody renews meanwhile
AT = "/config/task/dataset"  # where a request names it


class FileLook(BaseModel):
    """What a file was found to be: its SHA-256 and what it holds, or why it is refused."""

    model_config = ConfigDict(frozen=True)

    sha256: str = ""
    classes: int = 0
    exemplars: int = 0
    refused: str = ""


class _UnseenError(Exception):
    """The file could not be looked at, which says nothing about the file."""


def path_of(config: RunConfig) -> str | None:
    """The data file of a run that has one."""
    dataset = config.task.dataset
    return dataset.removeprefix(FILE) if dataset.startswith(FILE) else None


def look_at(path: str) -> FileLook | None:
    """What the file is; None if it cannot be looked at from here, and only a trainer can tell."""
    try:
        found = os.stat(os.path.expanduser(path))
    except OSError:
        return FileLook(refused=f"{path}: there is no such file")
    try:
        # Whoever writes a file anew changes one of these.
        return _look(path, found.st_ino, found.st_size, found.st_mtime_ns)
    except (_UnseenError, OSError, subprocess.TimeoutExpired, ValidationError) as error:
        log.warning("%s could not be looked at: %s", path, error)
        return None


def fault_of(config: RunConfig, look: FileLook, known: str | None = None) -> str:
    """Why a run cannot be trained from the file; empty if it can. `known`: what it began with."""
    path, task = path_of(config), config.task
    if look.refused:
        return look.refused
    if lack := task.lack(look.classes, look.exemplars):
        return f"{path}: {lack}"
    if known and known != look.sha256:
        return (
            f"{path} is not the file that this run began with (its SHA-256 was {known[:12]}…, now "
            f"it is {look.sha256[:12]}…); put the old one back, or launch a new run."
        )
    return ""


def check_data_file(
    session: Session, config: RunConfig, *, known: str | None = None, at: str = AT
) -> None:
    """Raises `Invalid` for a file that can be seen from here and cannot be trained from, and for
    one that is missing here where all workers are."""
    look = _seen(config)
    if look is None and _is_missing(config) and all_are_here(session):
        raise Invalid(
            f"{path_of(config)}: there is no such file on {socket.gethostname()}, where all "
            "workers are; write the path of one that is there.",
            loc=at,
        )
    if look is not None and (said := fault_of(config, look, known)):
        raise Invalid(said, loc=at)


def identity_of(config: RunConfig) -> str | None:
    """The SHA-256 of a run's data file, if it has one that can be seen from here."""
    look = _seen(config)
    return look.sha256 or None if look is not None else None


def changed_since(run: Run) -> str:
    """Why a run cannot go on from its file, as far as can be seen from here; empty if it can."""
    if run.data_sha256 is None:
        return ""
    config = RunConfig.model_validate(run.config)
    look = _seen(config)
    return "" if look is None else fault_of(config, look, run.data_sha256)


def _is_missing(config: RunConfig) -> bool:
    path = path_of(config)
    return path is not None and not os.path.exists(os.path.expanduser(path))


def _seen(config: RunConfig) -> FileLook | None:
    """A look at a file that is there. What is not may be on the worker's disk."""
    path = path_of(config)
    return None if path is None or _is_missing(config) else look_at(path)


@lru_cache(maxsize=64)
def _look(path: str, *_identity: int) -> FileLook:
    done = subprocess.run(
        [sys.executable, "-m", "worker.look", path],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LOOK_SECONDS,
        check=False,
    )
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return FileLook(refused=f"{path}: cannot be read: reading it ended its reader ({name})")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        raise _UnseenError(said[-1])  # such as a server without numpy. Never kept
    return FileLook.model_validate_json(done.stdout)
