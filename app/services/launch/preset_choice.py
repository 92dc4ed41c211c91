"""Presets in the form: which one it is, what was changed since, and taking another without losing
what was typed.

What was typed is what differs from the preset that the form began with (the paper's defaults where
it began with none): taking another leaves that as it is, says so, and can be undone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS, Preset
from app.services.clamps.text import count_clamps, read_program
from app.services.launch.choices import preset_or_error
from app.services.launch.config_form import ConfigForm, Typed, form_of, plain, read_form
from app.services.launch.sentences import PROGRAM, sections

BEGAN, TAKE = "preset", "take"  # form names: the preset it began with, and the one to take now
FORK_OF = "fork_of"
_MOST_SAID = 4


@dataclass(frozen=True)
class PresetTaken:
    """What taking a preset changed and left alone, and the form as it was before."""

    preset_id: str
    title: str
    kept: Sequence[str]  # `sequences 100,000 (the preset: 600,000)`
    replaced: str  # clamps of one's own that gave way, counted; empty: none
    before: Sequence[tuple[str, str]]  # names and values, to be sent once more


@dataclass(frozen=True)
class PresetChoice:
    """What the form says of presets as it stands."""

    lit: str | None  # the preset that it is
    began: str | None  # the one that it began with
    caption: str


def take(form: ConfigForm) -> tuple[ConfigForm, PresetTaken | None]:
    """The form with the preset that it asks for, if it asks for one."""
    if not form.typed.get(TAKE):
        return form, None
    preset = preset_or_error(PRESETS, form.typed[TAKE])
    before = {name: text for name, text in form.typed.items() if name != TAKE}
    began, new = _typed_of(before.get(BEGAN)), form_of(preset.config).typed
    is_fork = bool(before.get(FORK_OF))
    # A fork keeps all but its clamps, whatever it began with.
    options = () if is_fork else tuple(_options())
    own = {name for name, _ in options if _differs(name, before, began)}
    typed = {**before, PROGRAM: new[PROGRAM], BEGAN: preset.id}
    typed |= {name: new[name] for name, _ in options if name not in own}
    taken = PresetTaken(
        preset_id=preset.id,
        title=preset.name,
        kept=[
            f"{label.lower()} {typed[name]} (the preset: {new[name] or 'none'})"
            for name, label in options
            if name in own and _differs(name, before, new)
        ],
        replaced=_replaced(before, began),
        before=tuple(before.items()),
    )
    return read_form(typed), taken


def preset_choice(form: ConfigForm) -> PresetChoice:
    """Which preset the form is, or which one it began with and what was changed since."""
    lit = _lit(form)
    began = form.typed.get(BEGAN)
    if lit is not None:
        return PresetChoice(lit.id, lit.id, _said(lit))
    preset = next((one for one in PRESETS if one.id == began), None)
    if preset is None:
        return PresetChoice(None, None, "")
    changed = list(_changes(form, preset))
    more = f" and {len(changed) - _MOST_SAID} more" if len(changed) > _MOST_SAID else ""
    said = ", ".join(changed[:_MOST_SAID]) + more
    return PresetChoice(None, began, f"Begun with “{preset.name}”, changed since: {said}.")


def _lit(form: ConfigForm) -> Preset | None:
    if form.config is None:
        return None
    for preset in PRESETS:
        if form.typed.get(FORK_OF):
            same = _program(form.program_text) == _program(form_of(preset.config).program_text)
        else:
            same = preset.config.config_hash == form.config.config_hash
        if same:
            return preset
    return None


def _said(preset: Preset) -> str:
    length = f"{preset.config.training.sequences:,} sequences"
    return f"{preset.summary} Other data and seeds may do otherwise. {length}."


def _changes(form: ConfigForm, preset: Preset) -> Iterator[str]:
    began = form_of(preset.config).typed
    if _program(form.program_text) != _program(began[PROGRAM]):
        yield "clamps"
    for name, label in _options():
        if _differs(name, form.typed, began):
            yield f"{label.lower()} {form.typed.get(name, '').strip() or 'none'}"


def _replaced(before: Typed, began: Typed) -> str:
    """The clamps that were put on by hand, and that the preset's take the place of."""
    items = read_program(before.get(PROGRAM, "")).items
    is_own = _program(before.get(PROGRAM, "")) != _program(began[PROGRAM])
    return count_clamps(items) if items and is_own else ""


def _typed_of(began: str | None) -> Typed:
    known = {preset.id: preset.config for preset in PRESETS}
    return form_of(known.get(began or "", RunConfig())).typed


def _options() -> Iterator[tuple[str, str]]:
    """Form names and labels of all options."""
    for name, section in sections():
        for option, info in section.model_fields.items():
            yield f"{name}.{option}", info.title or option


def _differs(name: str, one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two texts of an option mean different values; empty: the default."""
    return plain(name, one.get(name, "")) != plain(name, other.get(name, ""))


def _program(text: str) -> object:
    """What a program says, whatever the order of its clamps and how it is written."""
    read = read_program(text)
    if read.error:
        return text
    return sorted(
        json.dumps(item if clamp is None else clamp.model_dump(mode="json"), sort_keys=True)
        for item, clamp in zip(read.items, read.clamps, strict=True)
    )
