"""Errors of a training as a user should read them: a kind and a sentence. The rest is logged."""

from pydantic import ValidationError

from worker.config_errors import places_of
from worker.recording.store import DamagedFileError

LONGEST = 400
_OUT_OF_MEMORY = ("not enough memory", "CUDA out of memory")


def fault_of(error: Exception) -> tuple[str, str]:
    """The kind of an error and one sentence about it."""
    if isinstance(error, ValidationError):
        return "config", f"The run's config is not valid: {places_of(error)}."
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:LONGEST]
    if isinstance(error, MemoryError) or any(one in said for one in _OUT_OF_MEMORY):
        return "out_of_memory", "The trainer ran out of memory; try a smaller model or batch."
    if isinstance(error, DamagedFileError):
        return "checkpoint", said
    if isinstance(error, ValueError) and said:  # the science says so about what it was given
        return "config", said
    name = type(error).__name__
    return "internal", f"The trainer met an error it cannot explain, {name}: {said or 'no text'}"
