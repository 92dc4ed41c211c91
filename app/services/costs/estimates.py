"""What a run will cost: time from runs like it, counts and bytes from its config."""

from statistics import median, median_low
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.db import runs
from app.schemas.api.runs import Estimate
from app.schemas.config import RunConfig
from app.schemas.words import grouped

TYPICAL_RATE = 22_000.0  # sequences per second of the paper's model on 2 CPU cores, compiled
ENOUGH = 10  # runs to take the median of
KEPT = 3  # numbers that a checkpoint holds per parameter: itself and Adam's two moments
PROBES = 8  # sequences whose patterns a frame holds
COMPOSITIONS = 3  # of queries, keys and values
FEATURES = 512  # size of an exemplar in the built-in data sources


class Rate(NamedTuple):
    """Sequences per second of a run, how many runs its trainer had, and where that comes from."""

    rate: float
    side_by_side: int
    based_on: str


def estimate(
    session: Session, config: RunConfig, *, since: int = 0, known: Rate | None = None
) -> Estimate:
    """Time, and how much there will be to store; of a fork `since` where it starts.

    `known`: the rate of a run alike, to save looking it up.
    """
    rate, side_by_side, based_on = known or _rate(session, config)
    recording = config.recording
    checkpoints = reports(config, recording.checkpoint_every, since)
    starts = runs.latest_starts(session, limit=ENOUGH)
    return Estimate(
        seconds=(config.training.total_sequences - since) / rate,
        start_seconds=median(starts) if starts else None,
        sequences_per_second=rate,
        side_by_side=side_by_side,
        based_on=based_on,
        measurements=reports(config, recording.evaluate_every, since),
        frames=reports(config, recording.frame_every, since),
        checkpoints=checkpoints,
        checkpoint_bytes=checkpoints * checkpoint_bytes(config),
    )


def _rate(session: Session, config: RunConfig) -> Rate:
    rates = runs.rates_of_alike(
        session,
        config.model.model_dump(mode="json"),
        config.training.batch_size,
        limit=ENOUGH,
    )
    if not rates:
        return Rate(
            TYPICAL_RATE,
            1,
            f"no run like this has been timed here yet: {grouped(int(TYPICAL_RATE))} sequences "
            "per second, as the paper's model makes on 2 CPU cores",
        )
    counted = "the last run" if len(rates) == 1 else f"the last {len(rates)} runs"
    return Rate(
        median(rate for rate, _ in rates),
        median_low(together for _, together in rates),
        f"{counted} with the same model and batch size",
    )


def reports(config: RunConfig, every: int, since: int = 0) -> int:
    """How often something is reported that is due at every multiple of `every`, where it starts
    (0, or `since`) and at the end."""
    training = config.training
    step = max(every, training.batch_size)  # no more than one report an update
    last = (training.updates - 1) * training.batch_size
    return last // step - since // step + 2


def checkpoint_bytes(config: RunConfig) -> int:
    """Of one checkpoint: float32, with the optimiser's moments."""
    return KEPT * 4 * parameters(config)


def frame_bytes(config: RunConfig) -> int:
    """Of one frame: patterns of all heads on the probe, and compositions of pairs of heads."""
    model = config.model
    pairs = model.heads**2 * model.layers * (model.layers - 1) // 2
    patterns = model.layers * model.heads * PROBES * config.task.tokens**2
    return 4 * (patterns + COMPOSITIONS * pairs)


def parameters(config: RunConfig, features: int = FEATURES) -> int:
    """Number of trained numbers of the model."""
    model, labels = config.model, config.task.labels
    width, hidden = model.width, round(model.mlp_ratio * model.width)
    block = 2 * width + 4 * width**2 + (4 * width if model.attn_bias else 0)
    if hidden:
        block += 3 * width + hidden + 2 * width * hidden
    positions = config.task.tokens * width if model.positions == "learned" else 0
    embed = width * features + width + width * labels + positions
    unembed = labels * width + labels
    return embed + model.layers * block + 2 * width + unembed
