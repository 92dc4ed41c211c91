"""The clamps of a form's program, one row each: what it is, where, and what is wrong with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry
from app.schemas.clamps.describe import describe
from app.schemas.clamps.phrases import site_words
from app.schemas.config import ModelConfig
from app.services.clamps.lit_model import NONE
from app.services.clamps.text import site_text
from app.services.launch.config_form import ConfigForm
from app.services.launch.sentences import clamp_place

_LONGEST = 120  # characters of an item that is no clamp


@dataclass(frozen=True)
class ClampRow:
    """One clamp, or what was typed in place of one."""

    index: int
    name: str
    tone: str
    site: str
    where: str  # the same in words
    sentence: str
    errors: Sequence[str]
    can_edit: bool

    @property
    def said(self) -> str:
        """Which one it is, for readers of screens."""
        return f"clamp {self.index + 1}, {self.name.lower()}{self.where}"


def clamp_rows(form: ConfigForm) -> list[ClampRow]:
    """A row for every item of the program."""
    typed = form.typed_program
    pairs = zip(typed.items, typed.clamps, strict=True)
    return [
        _row(index, item, clamp, form.errors.get(clamp_place(index), ()), form.model)
        for index, (item, clamp) in enumerate(pairs)
    ]


def _row(
    index: int,
    item: object,
    clamp: BaseClamp | None,
    errors: Sequence[str],
    model: ModelConfig,
) -> ClampRow:
    entry = _entry(item)
    return ClampRow(
        index=index,
        name=entry.name if entry else _named(item),
        tone=entry.light.value if entry else NONE,
        site=str(clamp.site) if clamp else site_text(item),
        where=f", {site_words(clamp.site)}" if clamp else "",
        sentence=_sentence(clamp, model) if clamp else "" if entry else _quoted(item),
        errors=errors,
        can_edit=isinstance(item, Mapping),
    )


def _entry(item: object) -> CatalogueEntry | None:
    """The kind that an item says it is, whether or not all of it is right."""
    if not isinstance(item, Mapping):
        return None
    return next(
        (e for e in CATALOGUE if all(item.get(name) == is_ for name, is_ in e.fixed.items())), None
    )


def _sentence(clamp: BaseClamp, model: ModelConfig) -> str:
    return " ".join(describe([clamp], layers=model.layers, heads=model.heads))


def _named(item: object) -> str:
    """What an item that is no clamp calls itself."""
    kind = item.get("kind") if isinstance(item, Mapping) else None
    return kind if isinstance(kind, str) and kind else "No clamp"


def _quoted(item: object) -> str:
    text = json.dumps(item)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
