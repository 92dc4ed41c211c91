"""Programs in words: one plain sentence per clamp and layer, for forms and run pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.phrases import site_words
from app.schemas.clamps.site import LAYERLESS_POINTS, Site
from app.schemas.words import grouped


@dataclass(frozen=True)
class Switch:
    """A place of the training at which a light goes on or off."""

    place: int
    said: str


def switches(program: Sequence[BaseClamp]) -> Iterator[Switch]:
    """Of the lights that are not on during all of it."""
    for clamp in program:
        what = f"{clamp.title.lower()}, {site_words(clamp.site)}"
        if clamp.from_sequences:
            yield Switch(clamp.from_sequences, f"Clamp on: {what}.")
        if clamp.until_sequences is not None:
            yield Switch(clamp.until_sequences, f"Clamp off: {what}.")


def describe(program: Sequence[BaseClamp], *, layers: int, heads: int) -> Iterator[str]:
    """One sentence per clamp and layer that it touches."""
    if not program:
        yield "Nothing is clamped: every head learns freely."
    for clamp in program:
        for site in _by_layer(clamp.site, layers):
            yield _sentence(clamp, site, heads)


def _by_layer(site: Site, layers: int) -> list[Site]:
    if site.point in LAYERLESS_POINTS:
        return [site]
    return [Site(site.point, layer, site.heads, site.positions) for layer in site.layers_of(layers)]


def _sentence(clamp: BaseClamp, site: Site, heads: int) -> str:
    return f"{clamp.sentence(site, heads)}{_window(clamp)}."


def _window(clamp: BaseClamp) -> str:
    if clamp.until_sequences is None:
        return f", from {grouped(clamp.from_sequences)} sequences on" if clamp.is_windowed else ""
    until = grouped(clamp.until_sequences)
    if clamp.from_sequences == 0:
        return f", until {until} sequences"
    return f", from {grouped(clamp.from_sequences)} to {until} sequences"
