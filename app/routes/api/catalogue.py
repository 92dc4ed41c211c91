"""REST: what can be chosen at launch."""

from fastapi import APIRouter

from app.schemas.api.runs import DatasetRead, PresetRead
from app.schemas.clamps.catalogue import CatalogueEntry
from app.schemas.studies.presets import STUDY_PRESETS, StudyPreset
from app.services.launch import choices

router = APIRouter(tags=["catalogue"])

EXAMPLE = [entry.model_dump(mode="json") for entry in choices.read_clamps()[:1]]


@router.get("/presets")
def get_presets() -> list[PresetRead]:
    """Named experiments to start from."""
    return choices.read_presets()


@router.get("/presets/studies")
def get_study_presets() -> list[StudyPreset]:
    """Named studies to start from: figures of the paper."""
    return list(STUDY_PRESETS)


@router.get("/datasets")
def get_datasets() -> list[DatasetRead]:
    """Where exemplars can come from."""
    return choices.read_datasets()


@router.get("/clamps", responses={200: {"content": {"application/json": {"example": EXAMPLE}}}})
def get_clamps() -> list[CatalogueEntry]:
    """Every kind of clamp: what it does, where it can be, and the JSON Schema of its settings."""
    return choices.read_clamps()
