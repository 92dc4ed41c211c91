"""Donors of grafts: the models of other runs' checkpoints, or of files, read for a training."""

import torch
from sqlalchemy.orm import Session

from app.db import recording
from app.db.recording import StoredFile
from app.schemas.clamps.kinds import GraftIn, GraftOut
from app.schemas.config import RunConfig
from app.schemas.words import grouped
from app.services.runs.lifecycle import run_or_error
from worker.offline.donors import file_donors
from worker.recording.store import DamagedFileError, Store, weights_of
from worker.science.clamps.program import Donor
from worker.science.data.datasets import Dataset
from worker.science.training.loop import cohort_shape

Found = tuple[RunConfig, StoredFile | None]


def find_donors(session: Session, config: RunConfig) -> dict[str, Found]:
    """Config and file of every run that a program grafts from, by the text of its checkpoint."""
    found: dict[str, Found] = {}
    for text in {clamp.checkpoint for clamp in _grafts(config)}:
        if text.startswith("file:"):
            continue
        run_id, _, sequences = text.rpartition("@")
        donor = RunConfig.model_validate(run_or_error(session, run_id).config)
        found[text] = donor, recording.checkpoint(session, run_id, int(sequences))
    return found


def load_donors(
    store: Store, config: RunConfig, dataset: Dataset, found: dict[str, Found]
) -> dict[str, Donor]:
    """The models themselves. Raises `DamagedFileError` for a checkpoint that is not there."""
    from_files = [clamp for clamp in _grafts(config) if clamp.checkpoint.startswith("file:")]
    donors = file_donors(from_files, config, cohort_shape(config, dataset))
    return donors | {text: _donor(store, text, dataset, *one) for text, one in found.items()}


def _donor(
    store: Store, text: str, dataset: Dataset, config: RunConfig, file: StoredFile | None
) -> Donor:
    run_id, _, sequences = text.rpartition("@")
    if file is None:
        raise DamagedFileError(
            f"The checkpoint of run {run_id} at {grouped(int(sequences))} sequences, which this "
            "run grafts from, is not there any more."
        )
    # With its hash asked: a donor that was trained again meanwhile may have replaced it.
    arrays, _ = store.load(file)
    weights = {name: torch.from_numpy(array) for name, array in weights_of(arrays).items()}
    return Donor(config, cohort_shape(config, dataset), weights, int(sequences))


def _grafts(config: RunConfig) -> list[GraftIn | GraftOut]:
    return [clamp for clamp in config.program if isinstance(clamp, GraftIn | GraftOut)]
