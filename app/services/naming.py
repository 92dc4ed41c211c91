"""What runs are called that nobody named: their clamps, their seed, what else is unusual."""

import json
import re
from collections.abc import Iterator, Sequence

from app.db.models import Run
from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.phrases import subject
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Site
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS, Preset
from app.schemas.words import decimal, grouped, layer_name

LONGEST_NAME = 200
_MOST_CLAMPS, _MOST_CHANGES = 2, 4
_FORKED = re.compile(r", forked at [\d,]+$")
# Sections whose options change what is learnt, and that are said; a recording changes nothing.
_TELLING = ("model", "task", "training", "seeds")


def default_name(config: RunConfig) -> str:
    """`Match fixed · seed 6`, `Ablate: layer 2, head 3 · seed 5 · learning rate 1e-4`."""
    preset = preset_with_clamps(config)
    what = preset.name if preset else clamps_in_words(config)
    changes = list(_changes(config, preset.config if preset else RunConfig()))
    left = len(changes) - _MOST_CHANGES
    more = [f"and {left} more"] if left > 0 else []
    seed = f"seed {config.seeds.initial}"
    return " · ".join([what, seed, *changes[:_MOST_CHANGES], *more])[:LONGEST_NAME]


def default_fork_name(parent: Run, sequences: int) -> str:
    """What a fork is called that nobody named."""
    at = f", forked at {grouped(sequences)}"
    return parent.name[: LONGEST_NAME - len(at)] + at


def own_name(run: Run) -> str:
    """The name that somebody gave the run; empty if it follows from what the run is, so that a
    copy with changes gets one of its own."""
    if run.forked_at is not None and _FORKED.search(run.name):
        return ""
    return "" if run.name == default_name(RunConfig.model_validate(run.config)) else run.name


def preset_with_clamps(config: RunConfig) -> Preset | None:
    """The preset with the same clamps on the same model."""
    for preset in PRESETS:
        if _program(preset.config) == _program(config) and preset.config.model == config.model:
            return preset
    return None


def _program(config: RunConfig) -> list[str]:
    """The clamps, whatever their order."""
    return sorted(json.dumps(clamp.model_dump(mode="json")) for clamp in config.program)


def clamps_in_words(config: RunConfig, most: int = _MOST_CLAMPS) -> str:
    """`Unclamped`, `Ablate: layer 2, head 3`, `... + 3 more clamps`."""
    if not config.program:
        return "Unclamped"
    said = [_said(clamp, config.model.heads) for clamp in config.program[:most]]
    left = len(config.program) - most
    if left > 0:
        said.append(f"{left} more clamp{'s' if left > 1 else ''}")
    return " + ".join(said)


def _said(clamp: BaseClamp, heads: int) -> str:
    """`Induction pattern: layer 2, head 3`."""
    where = _where(clamp.site, heads)
    return f"{clamp.title}: {where[:1].lower()}{where[1:]}"


def _where(site: Site, heads: int) -> str:
    if site.point in LAYERLESS_POINTS:
        return f"the {site.point}"
    if not isinstance(site.layer, int):
        return "every layer"
    return subject(site, heads) if site.point in HEAD_POINTS else layer_name(site.layer)


def _changes(config: RunConfig, base: RunConfig) -> Iterator[str]:
    """Every option that differs, by its label; the seed of the weights is said anyway."""
    for section in _TELLING:
        ours, theirs = getattr(config, section), getattr(base, section)
        for name, info in type(ours).model_fields.items():
            value = getattr(ours, name)
            if value != getattr(theirs, name) and (section, name) != ("seeds", "initial"):
                yield _change(section, (info.title or name).lower(), value)


def _change(section: str, label: str, value: object) -> str:
    what = f"{label} seed" if section == "seeds" else label
    if isinstance(value, bool):
        return what if value else f"no {what}"
    return f"{what} {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, int):
        return grouped(value)
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join("-".join(map(str, part)) for part in value)
    return str(value)
