"""What can be chosen at launch: presets, datasets and clamps."""

from app.schemas.api.runs import DatasetRead, PresetRead
from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry
from app.schemas.config import TaskConfig
from app.schemas.datasets import INVENTED, OWN
from app.schemas.presets import PRESETS
from app.services.runs.run_read import describe_config


def read_presets() -> list[PresetRead]:
    """Named experiments to start from, in the order in which to meet them."""
    return [
        PresetRead(**dict(preset), description=describe_config(preset.config)) for preset in PRESETS
    ]


def read_datasets() -> list[DatasetRead]:
    """Where exemplars can come from."""
    default = TaskConfig().dataset
    return [
        DatasetRead(name=one.name, explanation=one.explanation, default=one.name == default)
        for one in (*INVENTED, OWN)
    ]


def read_clamps() -> list[CatalogueEntry]:
    """Every kind of clamp."""
    return list(CATALOGUE)
