"""What whole batches make of numbers that were typed: said at their fields, not found out later."""

from collections.abc import Iterator

from app.schemas.config import RecordingConfig, TrainingConfig
from app.schemas.words import grouped

_INTERVALS = ("evaluate_every", "frame_every", "checkpoint_every")


def rounding(training: TrainingConfig, recording: RecordingConfig) -> dict[str, str]:
    """By form name; nothing of numbers that are whole batches already."""
    return dict([*_length(training), *_intervals(training, recording)])


def _length(training: TrainingConfig) -> Iterator[tuple[str, str]]:
    if training.total_sequences != training.sequences:
        ends = grouped(training.total_sequences)
        yield "training.sequences", f"Ends at {ends}: {batches(training.batch_size)}."


def _intervals(training: TrainingConfig, recording: RecordingConfig) -> Iterator[tuple[str, str]]:
    size, end = training.batch_size, training.total_sequences
    for name in _INTERVALS:
        every = getattr(recording, name)
        if every % size == 0 or every >= end:
            continue
        places = [grouped(whole(times * every, size)) for times in (1, 2) if times * every < end]
        more = " ..." if len(places) > 1 else ""
        yield f"recording.{name}", f"At {', '.join(places)}{more}: {batches(size)}."


def whole(sequences: int, size: int) -> int:
    """The first whole number of batches at or past so many sequences."""
    return -(-sequences // size) * size


def batches(size: int) -> str:
    """`whole batches of 32`."""
    return f"whole batches of {grouped(size)}"
