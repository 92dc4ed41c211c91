"""The checkpoint store: safetensors files addressed by URL, written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from safetensors.numpy import load, save

from app.db.recording import StoredFile
from app.services.series.files import place_of

Arrays = Mapping[str, np.ndarray[Any, Any]]

OPTIMISER = "optimiser."  # what the names of Adam's moments start with, beside the weights
_ALIGNED = 8  # bytes, as the format has its data begin
MEAN, SECOND = f"{OPTIMISER}mean.", f"{OPTIMISER}second."


def weights_of(arrays: Arrays) -> Arrays:
    """The weights among the arrays of a checkpoint."""
    return {name: array for name, array in arrays.items() if not name.startswith(OPTIMISER)}


def moment_of(arrays: Arrays, moment: str) -> Arrays:
    """One of Adam's moments (`MEAN`, `SECOND`), under the names of the weights."""
    return {
        name.removeprefix(moment): array
        for name, array in arrays.items()
        if name.startswith(moment)
    }


class DamagedFileError(Exception):
    """A stored file is missing or is not what was written."""


class StoreAwayError(Exception):
    """The store does not answer, or not now: to be tried again, unlike a file that is damaged."""


class Store:
    """Files of one run, below `root` (`file:///...`, `s3://...`: whatever fsspec knows)."""

    def __init__(self, root: str, run_id: str) -> None:
        self._root = f"{root.rstrip('/')}/{run_id}"
        self._files, self._folder = place_of(self._root)
        self._is_local = "file" in _protocols(self._files)

    def save_checkpoint(
        self, attempt: int, sequences: int, arrays: Arrays, optimiser_from: int = 0
    ) -> StoredFile:
        """Saves weights, and the optimiser's moments if they are among the arrays.

        Nothing in it depends on the clock, so that a resumed run writes the same bytes again; under
        a name of its own, so that an attempt that is stale without knowing harms nobody's file.
        """
        notes = {"optimiser_from": str(optimiser_from)}
        file = self._save(f"{sequences:011d}-{attempt}", sequences, arrays, notes)
        return replace(file, has_optimiser=any(name.startswith(OPTIMISER) for name in arrays))

    def save_resume_point(
        self,
        attempt: int,
        sequences: int,
        elapsed_seconds: float,
        arrays: Arrays,
        optimiser_from: int = 0,
    ) -> StoredFile:
        """Saves all that is needed to go on, beside the one before: that is removed when it may."""
        notes = {"elapsed_seconds": repr(elapsed_seconds), "optimiser_from": str(optimiser_from)}
        return self._save(f"resume-{sequences:011d}-{attempt}", sequences, arrays, notes)

    def load(self, file: StoredFile) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, str]]:
        """The arrays of a file and the notes beside them, or `DamagedFileError`."""
        content = self._read(file)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise DamagedFileError(
                f"{file.url} is not the file that was written: its SHA-256 differs."
            )
        return load(content), _notes(content)

    @staticmethod
    def remove(url: str) -> None:
        """Removes a file that nothing needs any more; it may be gone already."""
        files, path = place_of(url)
        # Nobody else removes it: only the recorder whose commit has replaced it gets here.
        if files.exists(path):
            files.rm_file(path)

    def _read(self, file: StoredFile) -> bytes:
        files, path = place_of(file.url)
        try:
            # Read whole before the hash is compared: a file that is replaced meanwhile is either
            # the old or the new one, as it is put there by a rename.
            content = files.cat_file(path)
        except FileNotFoundError:
            raise DamagedFileError(f"{file.url} is missing.") from None
        except Exception as error:  # of whichever store it is: each has errors of its own
            raise StoreAwayError(f"{file.url} cannot be read at present: {error}") from error
        assert isinstance(content, bytes)
        return content

    def _save(self, name: str, sequences: int, arrays: Arrays, notes: dict[str, str]) -> StoredFile:
        whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        content = _in_order(save(whole, metadata={"sequences": str(sequences), **notes}))
        self._write(f"{name}.safetensors", content)
        digest = hashlib.sha256(content).hexdigest()
        return StoredFile(sequences, f"{self._root}/{name}.safetensors", len(content), digest)

    def _write(self, name: str, content: bytes) -> None:
        if self._is_local:
            _write_local(Path(self._folder) / name, content)
        else:
            # Object stores show an upload only when it is complete.
            self._files.pipe_file(f"{self._folder}/{name}", content)


def _write_local(path: Path, content: bytes) -> None:
    """Under another name first, synced, then renamed: no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A stale attempt on the same machine may be writing the same file: each has a name of its own,
    # and the last rename wins.
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            # Before the rename, else a power cut may leave the name with nothing in it.
            os.fsync(file.fileno())
            _forget(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)
    finally:
        # After a full disk as well: the half would take the room that the next try needs.
        unfinished.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Has the folder know its files after a power cut: their rows are committed next."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(descriptor: int) -> None:
    """Gives back the memory that the system caches the file in: it is seldom read again, and to
    take new memory for every file costs more than to write it."""
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _in_order(content: bytes) -> bytes:
    """The same safetensors file with its header in order: the library's is in another each time,
    and the same weights would have another SHA-256."""
    header, begins_at = _header(content)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text + content[begins_at:]


def _notes(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file."""
    header, _ = _header(content)
    notes: dict[str, str] = header.get("__metadata__", {})
    return notes


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, JSON after eight bytes of length; where the data begin."""
    ends_at = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:ends_at]), ends_at


def _protocols(files: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    protocol = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
