"""Errors of a training as a user should read them: a kind and a sentence. The rest is logged."""

import errno

from pydantic import ValidationError

from app.schemas.state import ErrorKind
from worker.config_errors import places_of
from worker.recording.store import DamagedFileError, StoreAwayError
from worker.science.data.files.declared import DataFileError

LONGEST = 400
_OUT_OF_MEMORY = ("not enough memory", "CUDA out of memory")
_FULL = (errno.ENOSPC, errno.EDQUOT)
# What may be over when it is tried again, perhaps by another worker.
PASSING = frozenset({ErrorKind.STORE_AWAY, ErrorKind.DISK_FULL})


def fault_of(error: Exception) -> tuple[ErrorKind, str]:
    """The kind of an error and one sentence about it."""
    if isinstance(error, ValidationError):
        return ErrorKind.CONFIG, f"The run's config is not valid: {places_of(error)}."
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:LONGEST]
    if isinstance(error, MemoryError) or any(one in said for one in _OUT_OF_MEMORY):
        kind, advice = ErrorKind.OUT_OF_MEMORY, "try a smaller model or batch"
        return kind, f"The trainer ran out of memory; {advice}."
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" ({error.filename})" if error.filename else ""
        return ErrorKind.DISK_FULL, f"The disk is full{where}; free some of it."
    if isinstance(error, StoreAwayError):
        return ErrorKind.STORE_AWAY, said
    if isinstance(error, DamagedFileError):
        return ErrorKind.CHECKPOINT, said
    if isinstance(error, DataFileError):
        return ErrorKind.DATA_FILE, said
    if isinstance(error, ValueError) and said:  # the science says so about what it was given
        return ErrorKind.CONFIG, said
    name = type(error).__name__
    met = f"The trainer met an error it cannot explain, {name}"
    return ErrorKind.INTERNAL, f"{met}: {said or 'no text'}"
