"""By which clamps runs are found: lights, kinds of the catalogue, or none at all."""

from functools import cache

from app.schemas.clamps.base import Light
from app.schemas.clamps.catalogue import CATALOGUE

NONE = "none"  # runs without any clamp

Programs = list[list[dict[str, str]]]  # any of: a program that has clamps like all of these


@cache
def programs() -> dict[str, Programs]:
    """What programs hold, by the light or the kind of clamp that is asked for."""
    lights = {
        str(light): [[entry.fixed] for entry in CATALOGUE if entry.light == light]
        for light in Light
    }
    kinds = {entry.id: [[entry.fixed]] for entry in CATALOGUE}
    return {**lights, NONE: [[]], **kinds}
