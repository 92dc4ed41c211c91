"""REST: what can be chosen at launch."""

from fastapi import APIRouter

from app.schemas.api import DatasetRead, PresetRead
from app.services import catalogue

router = APIRouter(tags=["catalogue"])


@router.get("/presets")
def get_presets() -> list[PresetRead]:
    """Named experiments to start from."""
    return catalogue.read_presets()


@router.get("/datasets")
def get_datasets() -> list[DatasetRead]:
    """Where exemplars can come from."""
    return catalogue.read_datasets()
