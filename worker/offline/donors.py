"""Donors of grafts: frozen models of the same shape, without clamps, from `.npz` files."""

from collections.abc import Sequence
from pathlib import Path

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import GraftIn, GraftOut
from app.schemas.config import RunConfig
from worker.offline.weights import check_fit, read_weights
from worker.science.clamps.program import Donor
from worker.science.parameters import Shape


def file_donors(program: Sequence[BaseClamp], config: RunConfig, shape: Shape) -> dict[str, Donor]:
    """The donors that a program names, by the text of their checkpoints."""
    grafts = [clamp for clamp in program if isinstance(clamp, GraftIn | GraftOut)]
    return {clamp.checkpoint: _donor(clamp, config, shape) for clamp in grafts}


def _donor(clamp: GraftIn | GraftOut, config: RunConfig, shape: Shape) -> Donor:
    kind, _, place = clamp.checkpoint.partition(":")
    if kind != "file":
        raise ValueError(
            f"{clamp.site}: checkpoint {clamp.checkpoint} is a run's, and no runs are known here; "
            f"write file:WEIGHTS.npz#PREFIX"
        )
    name, _, prefix = place.partition("#")
    path = Path(name).expanduser()
    weights = read_weights(path, prefix)
    check_fit(shape, weights, f"{path}, which {clamp.site} grafts from")
    return Donor(config.model_copy(update={"program": ()}), shape, weights, 0)
