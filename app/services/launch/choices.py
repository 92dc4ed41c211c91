"""What can be chosen at launch: presets, datasets and clamps."""

from collections.abc import Sequence
from typing import TypeVar

from app.errors import NotFound
from app.schemas.api.runs import DatasetRead, PresetRead
from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry
from app.schemas.config import TaskConfig
from app.schemas.datasets import INVENTED, OWN
from app.schemas.presets import PRESETS, Preset
from app.schemas.studies.presets import StudyPreset
from app.services.runs.run_read import describe_config

P = TypeVar("P", Preset, StudyPreset)


def read_presets() -> list[PresetRead]:
    """Named experiments to start from, in the order in which to meet them."""
    return [
        PresetRead(**dict(preset), description=describe_config(preset.config)) for preset in PRESETS
    ]


def preset_or_error(presets: Sequence[P], preset_id: str, *, what: str = "preset") -> P:
    """The preset called so, or `NotFound`."""
    for preset in presets:
        if preset.id == preset_id:
            return preset
    known = ", ".join(preset.id for preset in presets)
    raise NotFound(f"There is no {what} {preset_id!r}; there are {known}.")


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
