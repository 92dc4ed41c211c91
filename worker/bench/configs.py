"""What is timed: the paper's main run with many seeds, and parts of longer runs."""

from app.schemas.config import RecordingConfig, RunConfig, SeedConfig, TrainingConfig


def seeds_of_the_main_run(count: int, sequences: int, every: int) -> list[RunConfig]:
    """So many seeds of it, cut to a length; everything is recorded `every` so many sequences."""
    recording = RecordingConfig(evaluate_every=every, frame_every=every, checkpoint_every=every)
    return [
        RunConfig(
            training=TrainingConfig(sequences=sequences),
            recording=recording,
            seeds=SeedConfig(initial=100 + number),
        )
        for number in range(count)
    ]


def shortened(config: RunConfig, fraction: float) -> RunConfig:
    """The same run, with the same cadence, cut to a fraction of its length."""
    least = config.training.batch_size
    sequences = max(least, round(config.training.sequences * fraction))
    training = config.training.model_copy(update={"sequences": sequences})
    return config.model_copy(update={"training": training})
