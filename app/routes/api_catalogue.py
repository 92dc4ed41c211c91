"""REST: what can be chosen at launch."""

from fastapi import APIRouter

from app.schemas.api import DatasetRead, PresetRead
from app.schemas.catalogue import CatalogueEntry
from app.schemas.study_presets import STUDY_PRESETS, StudyPreset
from app.services import catalogue

router = APIRouter(tags=["catalogue"])

EXAMPLE = [entry.model_dump(mode="json") for entry in catalogue.read_clamps()[:1]]


@router.get("/presets")
def get_presets() -> list[PresetRead]:
    """Named experiments to start from."""
    return catalogue.read_presets()


@router.get("/presets/studies")
def get_study_presets() -> list[StudyPreset]:
    """Named studies to start from: figures of the paper."""
    return list(STUDY_PRESETS)


@router.get("/datasets")
def get_datasets() -> list[DatasetRead]:
    """Where exemplars can come from."""
    return catalogue.read_datasets()


@router.get("/clamps", responses={200: {"content": {"application/json": {"example": EXAMPLE}}}})
def get_clamps() -> list[CatalogueEntry]:
    """Every kind of clamp: what it does, where it can be, and the JSON Schema of its settings."""
    return catalogue.read_clamps()
