"""Which runs one trainer can train together."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from app.schemas.clamps.parts import layout_of
from app.schemas.config import RunConfig, dimensions_of


def cohort_key(config: RunConfig) -> str:
    """Equal for runs that one trainer can train together, by one compiled update."""
    dimensions = dimensions_of(config.model, config.task, config.training)
    # Kept in the row when a run is made, and compared there by planners: a version that counts
    # something else here trains older waiting runs alone, or refuses in `check_cohort` what it
    # should not have joined. What may differ within a cohort must be data to the compiled update.
    shared: dict[str, Any] = {
        "model": config.model.model_dump(),
        # Whose features: their width is part of the model's shape.
        "data": config.task.dataset if config.task.dataset.startswith("file:") else "invented",
        "labels": config.task.labels,
        "context": (config.task.context_pairs, config.task.burstiness),
        "has_noise": config.task.input_noise > 0,
        "batch_size": config.training.batch_size,
        "layout": [asdict(place) for place, _ in layout_of(config.program, dimensions)],
    }
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()
