"""Configs of different shapes."""

from app.schemas.config import RunConfig

CONFIGS = [
    RunConfig(),
    RunConfig.model_validate(
        {
            "model": {"layers": 3, "heads": 2, "width": 12, "mlp_ratio": 2.5, "attn_bias": False},
            "training": {"sequences": 1000, "batch_size": 7},
        }
    ),
    RunConfig.model_validate(
        {
            "model": {"layers": 1, "positions": "learned"},
            "task": {"labels": 7, "context_pairs": 4, "burstiness": 2},
            "training": {"sequences": 5001, "batch_size": 50},
        }
    ),
]
