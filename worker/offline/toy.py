"""The toy model of the paper's section 4.1, trained into a file."""

import argparse
import json
from typing import Any

from pydantic import ValidationError

from app.toy.document import document
from app.toy.settings import PRESETS, Clamped, ToySettings, clamped_of
from worker.config_errors import places_of
from worker.offline import say
from worker.offline.arrays import whole_file


def toy(given: argparse.Namespace) -> None:
    """`python -m worker toy`. Raises ValueError or OSError for input that cannot be."""
    found = document(_settings(given), _clampings(given), given.preset)
    with whole_file(given.out) as file:
        file.write(f"{json.dumps(found)}\n".encode())
    for name, one in found["curves"].items():
        say(f"{name}: {_said(one)}")
    say(f"Wrote {given.out}.")


def _settings(given: argparse.Namespace) -> ToySettings:
    names = ToySettings.model_fields
    said = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    try:
        return ToySettings.model_validate(said)
    except ValidationError as error:
        raise ValueError(places_of(error)) from None


def _clampings(given: argparse.Namespace) -> tuple[Clamped, ...]:
    """Those of the command line, or of the preset, or none."""
    if given.clamp:
        return tuple(dict.fromkeys(clamped_of(text) for text in given.clamp))
    return PRESETS[given.preset] if given.preset else (frozenset(),)


def _said(curve: dict[str, Any]) -> str:
    loss = curve["loss"]
    if "diverged_at" in curve:
        return f"diverged at update {curve['diverged_at']}; a lower learning rate would not"
    return f"loss {loss[0]:.4f} at first, {loss[-1]:.2e} after {len(loss) - 1} updates"
