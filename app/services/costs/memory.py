"""Memory that training a run takes, by its config."""

from app.schemas.config import RunConfig
from app.services.costs.estimates import FEATURES, parameters

PROCESS_BYTES = 600_000_000  # of a trainer with torch and nothing to train
COPIES = 6  # of every parameter: itself, Adam's moments, and the same once more to be saved
BUFFERS = 12  # activations of a layer that are alive at once
EVALUATED = 3  # evaluators that are evaluated at once


def working_bytes(config: RunConfig) -> int:
    """What a pass needs, of whichever run it is."""
    model, task, recording = config.model, config.task, config.recording
    sequences = max(config.training.batch_size, EVALUATED * recording.evaluation_sequences)
    hidden = round(model.mlp_ratio * model.width)
    layer = 4 * sequences * task.tokens * (model.width + hidden + model.heads * task.tokens)
    return BUFFERS * model.layers * layer


def own_bytes(config: RunConfig) -> int:
    """What is kept of a run while it is trained."""
    task = config.task
    features = (task.classes + task.new_classes) * (task.exemplars + EVALUATED) * FEATURES
    return 4 * (COPIES * parameters(config) + features)


def bytes_needed(config: RunConfig) -> int:
    """Of a process that trains such a run alone."""
    return PROCESS_BYTES + working_bytes(config) + own_bytes(config)
