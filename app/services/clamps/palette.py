"""The palette of the form: the catalogue of clamps as lights to pick, each with its controls.

Made from the catalogue alone, so that a new kind of clamp appears with its settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.schemas.clamps.base import BaseClamp, Light, Phase
from app.schemas.clamps.catalogue import BY_KIND, CATALOGUE, CatalogueEntry
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.footprint import footprint
from app.schemas.clamps.kinds import KINDS, SetConstant
from app.schemas.clamps.site import Point, Positions, Site
from app.schemas.presets import PRESETS

POINTS = {
    Point.EMBED: "the embedding",
    Point.Q_INPUT: "what queries are made from",
    Point.K_INPUT: "what keys are made from",
    Point.V_INPUT: "what values are made from",
    Point.Q: "the queries",
    Point.K: "the keys",
    Point.V: "the values",
    Point.SCORE: "attention scores, before softmax",
    Point.PATTERN: "the attention pattern, after softmax",
    Point.Z: "what each head has read",
    Point.ATTN_OUT: "what attention writes",
    Point.RESID: "the residual stream after the layer",
    Point.LOGITS: "the logits",
}
POSITIONS = {
    Positions.ALL: "every token",
    Positions.QUERY: "the query",
    Positions.LABELS: "label tokens",
    Positions.EXEMPLARS: "exemplar tokens",
}
LIGHTS = {
    Light.DRIVEN: "set to something",
    Light.SILENCED: "taken away; ablate sets it to zero",
    Light.PRESERVED: "as in another pass",
}
_ORDER = {
    Phase.REFERENCE: "first, with what is taken from another pass",
    Phase.TRANSFORM: "second, with what is rescaled",
    Phase.ASSIGN: "last, with what is set",
}
_WINDOW = [name for name in BaseClamp.model_fields if name != "site"]
_SLIDES = 2.0  # how far from 0 the slider of a wide range goes; what is beyond can be typed
_STOPS = 20  # of a slider over one unit

ControlKind = Literal["number", "numbers", "choice", "flag", "text"]


@dataclass(frozen=True)
class Control:
    """One setting of a clamp, as the form shows it."""

    id: str
    name: str
    label: str
    help: str
    unit: str
    kind: ControlKind
    choices: Sequence[str]
    default: str
    slider: tuple[float, float, float] | None  # least, most, step


@dataclass(frozen=True)
class Choice:
    """An option of a list, in words."""

    value: str
    label: str


@dataclass(frozen=True)
class Tool:
    """A light that can be picked."""

    entry: CatalogueEntry
    is_common: bool
    points: Sequence[Choice]
    positions: Sequence[Choice]
    settings: Sequence[Control]
    window: Sequence[Control]

    @property
    def targets(self) -> str:
        """What to click, in words."""
        return {
            "any": "Click or paint heads, a layer's name, or the whole model.",
            "layer": "Click a layer's name.",
            "head": "Click one head.",
        }[self.entry.picks]

    @property
    def order(self) -> str:
        """When it acts, whatever its place in the program."""
        return _ORDER[Phase(self.entry.phase)]


@dataclass(frozen=True)
class ToolGroup:
    """The tools of one light."""

    light: Light
    help: str
    tools: Sequence[Tool]


def palette(entries: Sequence[CatalogueEntry] = CATALOGUE) -> list[ToolGroup]:
    """All kinds by light. Common are those of the paper's Fig. 5b, and the first of each light."""
    figure = {BY_KIND[type(clamp)].id for preset in PRESETS for clamp in preset.config.program}
    groups = []
    for light in Light:
        own = [entry for entry in entries if entry.light is light]
        tools = [_tool(entry, entry.id in figure or entry is own[0]) for entry in own]
        groups.append(ToolGroup(light, LIGHTS[light], tools))
    return groups


def for_script(entries: Sequence[CatalogueEntry] = CATALOGUE) -> list[dict[str, Any]]:
    """What painting needs to know of every kind."""
    parts = {"id", "light", "phase", "fixed", "picks", "usual", "head_points", "layerless_points"}
    return [
        entry.model_dump(mode="json", include=parts) | {"fills": entry.id in _FILLING}
        for entry in entries
    ]


def _fills_its_site(kind: type[BaseClamp]) -> bool:
    """Whether it decides all of its site, so that no other such clamp can be there."""
    site = Site.parse(kind.usual)
    whole = footprint(SetConstant(site=site, value=0.0), Dimensions())
    return footprint(kind.model_construct(site=site), Dimensions()) == whole


_FILLING = {BY_KIND[kind].id for kind in KINDS if _fills_its_site(kind)}


def _tool(entry: CatalogueEntry, is_common: bool) -> Tool:
    controls = {
        name: _control(f"{entry.id}-{name}", name, schema)
        for name, schema in entry.settings.items()
    }
    return Tool(
        entry=entry,
        is_common=is_common,
        points=[Choice(point, POINTS[point]) for point in entry.points],
        positions=[Choice(role, POSITIONS[role]) for role in entry.positions],
        settings=[control for name, control in controls.items() if name not in _WINDOW],
        window=[controls[name] for name in _WINDOW if name in controls],
    )


def _control(id: str, name: str, schema: Mapping[str, Any]) -> Control:
    kind = _kind(schema)
    default = schema.get("default")
    return Control(
        id=f"setting-{id}",
        name=name,
        label=schema.get("title", name),
        help=schema.get("description", ""),
        unit=schema.get("unit", ""),
        kind=kind,
        choices=[str(choice) for choice in schema.get("enum", ())],
        default="" if default is None else _text(default),
        slider=_slider(schema) if kind == "number" else None,
    )


def _kind(schema: Mapping[str, Any]) -> ControlKind:
    types = {one.get("type") for one in schema.get("anyOf", [schema])} - {"null"}
    if "enum" in schema:
        return "choice"
    if types == {"boolean"}:
        return "flag"
    if "array" in types:
        return "numbers"
    return "number" if types <= {"integer", "number"} else "text"


def _text(value: object) -> str:
    """`1.0` -> `1`, `0` -> `0`, as in the form's other fields."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _slider(schema: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """For a number with two limits; an open limit is left out by a step."""
    step = 1 / _STOPS
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if least is None or most is None:
        return None
    if "exclusiveMinimum" in schema:
        least = least + step
    return max(least, -_SLIDES), min(most, _SLIDES), step
