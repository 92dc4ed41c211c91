"""The catalogue of clamps, as the API serves it and the form is built from it."""

from typing import Any

from pydantic import BaseModel, Field

from app.schemas.clamps.base import BaseClamp, Light, Phase, Picks
from app.schemas.clamps.kinds import KINDS
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Point, Positions

_SITE_FIELDS = ("site", "kind", "target")


class CatalogueEntry(BaseModel):
    """One kind of clamp: what it does, where it can be, and what can be set about it."""

    id: str = Field(description="Unique; `kind` or `target`")
    name: str
    summary: str
    paper: str | None = Field(description="The published code's options, if it has this clamp")
    badge: str = Field(description="One or two words for a head's cell")
    light: Light = Field(description="driven, silenced or preserved: a colour everywhere")
    phase: int = Field(description="0: from a reference pass, 1: rescaled, 2: set; they act so")
    fixed: dict[str, str] = Field(description="The fields that make a clamp one of this kind")
    points: list[Point]
    head_points: list[Point] = Field(description="Those of `points` that have heads")
    layerless_points: list[Point] = Field(description="Those of `points` that have no layer")
    positions: list[Positions]
    picks: Picks = Field(description="any heads or layers, one layer, or one head")
    usual: str = Field(description="A site to start from")
    settings: dict[str, Any] = Field(
        description="JSON Schema of each field besides site, kind and target"
    )
    json_schema: dict[str, Any] = Field(description="JSON Schema of the whole clamp")


def entry_of(kind: type[BaseClamp]) -> CatalogueEntry:
    """What the catalogue says of a kind of clamp."""
    schema = kind.model_json_schema()
    properties = schema["properties"]
    fixed = {name: properties[name]["const"] for name in ("kind", "target") if name in properties}
    points = [point for point in Point if point in kind.sites.points]
    return CatalogueEntry(
        id="_".join([*fixed.values()]) if "target" in fixed else fixed["kind"],
        name=kind.title,
        summary=" ".join((kind.__doc__ or "").split()),
        paper=kind.paper,
        badge=kind.badge or kind.title.lower(),
        light=kind.light,
        phase=Phase(kind.phase),
        fixed=fixed,
        points=points,
        head_points=[point for point in points if point in HEAD_POINTS],
        layerless_points=[point for point in points if point in LAYERLESS_POINTS],
        positions=list(kind.sites.positions),
        picks=kind.sites.picks,
        usual=kind.usual,
        settings={name: of for name, of in properties.items() if name not in _SITE_FIELDS},
        json_schema=schema,
    )


CATALOGUE: tuple[CatalogueEntry, ...] = tuple(map(entry_of, KINDS))
BY_KIND: dict[type[BaseClamp], CatalogueEntry] = dict(zip(KINDS, CATALOGUE, strict=True))
